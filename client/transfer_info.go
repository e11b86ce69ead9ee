package client

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// TransferInfoName is the name of the file that says what to send where.
const TransferInfoName = "transfer.info"

// TransferInfo is what transfer.info says (protocol section 5).
type TransferInfo struct {
	Server string // host:port, with an IPv6 address in brackets
	Name   string // of the client
	Path   string // of the file
}

// ParseTransferInfo reads the text of a transfer.info: IP:port, name and path.
// A host name may stand for the IP. Lines end in LF or CRLF, and the last end
// may be missing; a byte order mark is passed over.
//
// The error is a *SyntaxError. What stands before the fault is returned with it.
func ParseTransferInfo(text []byte) (TransferInfo, error) {
	var t TransferInfo
	lines := splitLines(strings.TrimPrefix(string(text), "\uFEFF"))

	address, found := line(lines, 1)
	server, ok := parseAddress(address)
	if !ok {
		return t, &SyntaxError{TransferInfoName, 1, found, "the server's IP:port, as 127.0.0.1:1234 or [::1]:1234"}
	}
	t.Server = server

	name, found := line(lines, 2)
	if checkName(name) != nil {
		return t, &SyntaxError{TransferInfoName, 2, found, "the client's name: 1 to 254 bytes of UTF-8 without control characters"}
	}
	t.Name = name

	path, found := line(lines, 3)
	if path == "" || strings.ContainsAny(path, "\x00\r") {
		return t, &SyntaxError{TransferInfoName, 3, found, "the path of the file to send"}
	}
	t.Path = path

	for n := 4; n <= len(lines); n++ {
		if text, found := line(lines, n); strings.TrimSpace(text) != "" {
			return t, &SyntaxError{TransferInfoName, n, found, "nothing: it names one file; name more as arguments"}
		}
	}
	return t, nil
}

// ReadTransferInfo reads the transfer.info at path. Errors are those of
// ParseTransferInfo, or of reading.
func ReadTransferInfo(path string) (TransferInfo, error) {
	text, err := readSettings(path)
	if err != nil {
		return TransferInfo{}, err
	}
	t, err := ParseTransferInfo(text)
	return t, inFile(path, err)
}

// Text returns the text of the transfer.info.
func (t TransferInfo) Text() []byte {
	return []byte(t.Server + "\n" + t.Name + "\n" + t.Path + "\n")
}

// parseAddress checks an address and returns it in its one form.
func parseAddress(address string) (server string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || !validHost(host) {
		return "", false
	}
	return net.JoinHostPort(host, strconv.FormatUint(number, 10)), true
}

// validHost accepts an IP address, with its zone, or a host name.
func validHost(host string) bool {
	zoneless, zone, _ := strings.Cut(host, "%")
	if _, err := netip.ParseAddr(zoneless); err == nil {
		return !strings.Contains(host, "%") || strings.Contains(zoneless, ":") && validHostName(zone)
	}
	return validHostName(host)
}

func validHostName(name string) bool {
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-._", r):
		default:
			return false
		}
	}
	return name != "" && len(name) <= 253
}
