// Makes cryptopp.txt with Crypto++, the library of the seed's client:
//
//	g++ generate_cryptopp.cpp -lcryptopp -o /tmp/generate && /tmp/generate > cryptopp.txt
//
// The keys are for tests only.
#include <cryptopp/aes.h>
#include <cryptopp/crc.h>
#include <cryptopp/files.h>
#include <cryptopp/hex.h>
#include <cryptopp/modes.h>
#include <cryptopp/osrng.h>
#include <cryptopp/rsa.h>
#include <iostream>
using namespace CryptoPP;

static std::string hex(const std::string &bytes) {
	std::string text;
	StringSource(bytes, true, new HexEncoder(new StringSink(text), false));
	return text;
}

int main() {
	AutoSeededRandomPool rng;
	std::cout << "# Made by generate_cryptopp.cpp with Crypto++ " << CRYPTOPP_VERSION << ".\n"
		<< "# private_key: PKCS#8. public_key: SubjectPublicKeyInfo. sealed_key: aes_key under RSA-OAEP, SHA-1.\n"
		<< "# content: plaintext under AES-128-CBC, IV of zeros, PKCS#7. crc32: over plaintext, as a number.\n";
	for (size_t size : {0, 1, 15, 16, 17, 100}) {
		RSA::PrivateKey priv;
		priv.Initialize(rng, 1024);
		RSA::PublicKey pub(priv);
		std::string privDER, pubDER, sealed, plain(size, 0), content, key(16, 0);
		priv.Save(StringSink(privDER).Ref());
		pub.Save(StringSink(pubDER).Ref());
		rng.GenerateBlock((byte *)&key[0], key.size());
		rng.GenerateBlock((byte *)&plain[0], plain.size());
		RSAES_OAEP_SHA_Encryptor encryptor(pub);
		StringSource(key, true, new PK_EncryptorFilter(rng, encryptor, new StringSink(sealed)));
		byte iv[16] = {0};
		CBC_Mode<AES>::Encryption cbc((byte *)&key[0], key.size(), iv);
		StringSource(plain, true, new StreamTransformationFilter(cbc, new StringSink(content)));
		CRC32 crc;
		word32 sum = 0;
		crc.CalculateDigest((byte *)&sum, (const byte *)plain.data(), plain.size());
		std::cout << "\nprivate_key: " << hex(privDER) << "\npublic_key: " << hex(pubDER)
			<< "\naes_key: " << hex(key) << "\nsealed_key: " << hex(sealed)
			<< "\nplaintext: " << hex(plain) << "\ncontent: " << hex(content) << "\ncrc32: " << sum << "\n";
	}
}
