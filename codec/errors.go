package codec

// A Reason says in one word why bytes are not a request that can be served. It
// goes to the log as it is.
type Reason string

// The reasons.
const (
	ReasonUnknownCode       Reason = "unknown_code"
	ReasonShort             Reason = "header_cut_short"
	ReasonNameNotTerminated Reason = "name_not_terminated"
	ReasonContentSize       Reason = "content_size"
	ReasonFramingLost       Reason = "framing_lost"
)

var explanations = map[Reason]string{
	ReasonUnknownCode:       "the code is none of the protocol's",
	ReasonShort:             "the message is shorter than its fields",
	ReasonNameNotTerminated: "a name field has no NUL",
	ReasonContentSize:       "the content size is not a positive multiple of 16",
	ReasonFramingLost:       "payload size and content size contradict each other: where the next request starts is unknown",
}

// An Error is a message that cannot be served, with its reason.
type Error struct {
	Reason Reason
}

// Error explains the reason in a sentence.
func (e *Error) Error() string { return explanations[e.Reason] }
