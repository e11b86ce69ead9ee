package codec

import (
	"bytes"
	"strings"
	"testing"
)

// TestLongTextIsCut has names that do not fit: the field ends in NUL, and the
// declared size counts what was written.
func TestLongTextIsCut(t *testing.T) {
	long, fits := []byte(strings.Repeat("n", 300)), []byte(strings.Repeat("n", 254))
	key := bytes.Repeat([]byte{7}, 200)
	for _, c := range []struct{ given, written Request }{
		{Registration{Name: long}, Registration{Name: fits}},
		{PublicKey{Name: long, Key: key}, PublicKey{Name: fits, Key: key[:160]}},
		{EncryptedFile{ContentSize: 16, FileName: long}, EncryptedFile{ContentSize: 16, FileName: fits}},
		{CRCValidation{Verdict: CodeGiveUp, FileName: long}, CRCValidation{Verdict: CodeGiveUp, FileName: fits}},
	} {
		for _, d := range []Dialect{Documented, Seed} {
			got, want := AppendRequest(nil, d, ClientID{1}, c.given), AppendRequest(nil, d, ClientID{1}, c.written)
			if !bytes.Equal(got, want) {
				t.Errorf("%v in %v:\n%x\nwant\n%x", c.given.code(), d, got, want)
			}
			if fixed, _ := requestSize(c.given.code()); len(got) != RequestHeaderBytes+fixed {
				t.Errorf("%v in %v has %d bytes", c.given.code(), d, len(got))
			}
		}
	}
}

// TestAppendKeepsWhatIsThere writes behind bytes that are not its own.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	before := []byte("before")
	request := AppendRequest(before, Seed, ClientID{1}, Registration{Name: []byte("alice")})
	response := AppendResponse(before, Seed, FileReceived{Cksum: 1})
	for _, got := range [][]byte{request, response} {
		if !bytes.HasPrefix(got, before) {
			t.Errorf("got %x", got)
		}
	}
	if want := AppendResponse(nil, Seed, FileReceived{Cksum: 1}); !bytes.Equal(response[len(before):], want) {
		t.Errorf("got %x, want %x", response[len(before):], want)
	}
}

// TestLargestFile holds the constant against the width of the size field.
func TestLargestFile(t *testing.T) {
	if MaxPlainSize != 4<<30-289 {
		t.Errorf("MaxPlainSize is %d", int64(MaxPlainSize))
	}
	const content = MaxPlainSize + 1
	if content%cipherBlock != 0 || content+encryptedFileBytes > 1<<32-1 || content+cipherBlock+encryptedFileBytes <= 1<<32-1 {
		t.Errorf("%d bytes of content are not the most that fit", int64(content))
	}
}

// TestLargestMessages holds the exported bounds against every message.
func TestLargestMessages(t *testing.T) {
	payload, response := 0, 0
	for _, m := range Requests {
		size, _ := requestSize(m.Code)
		payload = max(payload, size)
	}
	for _, d := range []Dialect{Documented, Seed} {
		for _, r := range []Response{
			RegistrationApproved{}, RegistrationError{}, KeyExchange{}, FileReceived{}, Acknowledged{},
		} {
			response = max(response, len(AppendResponse(nil, d, r)))
		}
	}
	if payload != MaxPayload || response != MaxResponse {
		t.Errorf("the largest payload has %d bytes, not %d; the largest response %d, not %d",
			payload, MaxPayload, response, MaxResponse)
	}
}

func TestCodesHaveNames(t *testing.T) {
	for code, want := range map[Code]string{
		CodeRegistration: "registration", CodeFileReceived: "file received", 1102: "1102", 0: "0",
	} {
		if got := code.String(); got != want {
			t.Errorf("%d is called %q, want %q", uint16(code), got, want)
		}
	}
}

func TestReasonsAreExplained(t *testing.T) {
	for _, r := range []Reason{
		ReasonUnknownCode, ReasonShort, ReasonNameNotTerminated, ReasonContentSize, ReasonFramingLost,
	} {
		if (&Error{r}).Error() == "" {
			t.Errorf("%s has no explanation", r)
		}
	}
}

// TestShortPayloadsAreRefused parses frames that no decoder makes.
func TestShortPayloadsAreRefused(t *testing.T) {
	for _, m := range Requests {
		if m.Code == CodeRegistration {
			continue
		}
		for size := range m.Size() {
			_, err := parseRequest(Frame{Header: RequestHeader{Code: m.Code}, Payload: make([]byte, size)})
			if reasonOf(err) != ReasonShort {
				t.Fatalf("%v with %d bytes: %v", m.Code, size, err)
			}
		}
	}
}

// 2103 repeats the field of its 1103 byte for byte, garbage behind the NUL included.
func TestFileReceivedRepeatsTheNameField(t *testing.T) {
	field := bytes.Repeat([]byte{0xEE}, textBytes)
	copy(field, "name\x00")
	payload := append(make([]byte, clientIDBytes+4), field...)
	m, err := ParseEncryptedFile(Frame{Header: RequestHeader{Code: CodeEncryptedFile}, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	response := AppendResponse(nil, Documented, FileReceived{FileName: m.FileNameField})
	if got := response[responseHeaderBytes+clientIDBytes+4:][:textBytes]; !bytes.Equal(got, field) {
		t.Errorf("the field of 2103 is %x, want %x", got, field)
	}
	if string(m.FileName) != "name" {
		t.Errorf("the name is %q, want name", m.FileName)
	}
}
