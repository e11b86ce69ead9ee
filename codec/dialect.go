package codec

// A Dialect is one of the two forms of the protocol that are in use
// (PROTOCOL.md section 2). A connection keeps the one it began with.
type Dialect uint8

// The dialects.
const (
	Undecided  Dialect = iota // before the first request; written as Documented
	Documented                // the protocol as its README describes it
	Seed                      // as the seed's own client and server speak it
)

// String returns the dialect's name, as the log has it.
func (d Dialect) String() string {
	switch d {
	case Documented:
		return "documented"
	case Seed:
		return "seed"
	}
	return "undecided"
}

// dialectOf tells the dialect of a connection by its first request. The seed's
// client declares the length of the name where the field's width is due; any
// other request, an unknown one too, is a documented client's.
func dialectOf(h RequestHeader, payload []byte) Dialect {
	declared := int64(h.PayloadSize)
	switch h.Code {
	case CodePublicKey:
		declared -= publicKeyBytes
	case CodeRegistration:
	default:
		return Documented
	}
	name := textLength(payload[:textBytes])
	if name > 0 && name < textBytes && declared == int64(name) {
		return Seed
	}
	return Documented
}
