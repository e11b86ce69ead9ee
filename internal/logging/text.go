package logging

import (
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// textEncoder makes lines for people. Fields pass through zap's JSON encoder first, which knows their types; at a
// terminal the detour costs nobody anything.
type textEncoder struct {
	zapcore.Encoder
	pool  buffer.Pool
	style Style
}

func newTextEncoder(color bool) zapcore.Encoder {
	return textEncoder{
		Encoder: zapcore.NewJSONEncoder(zapcore.EncoderConfig{
			SkipLineEnding: true,
			EncodeTime:     encodeTime,
			EncodeDuration: zapcore.SecondsDurationEncoder,
		}),
		pool:  buffer.NewPool(),
		style: Style{Color: color},
	}
}

// Clone returns a copy with the fields given so far.
func (t textEncoder) Clone() zapcore.Encoder {
	t.Encoder = t.Encoder.Clone()
	return t
}

// EncodeEntry makes one line.
func (t textEncoder) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	object, err := t.Encoder.EncodeEntry(zapcore.Entry{}, fields)
	if err != nil {
		return nil, err
	}
	defer object.Free()
	text, err := t.style.Append(nil, Entry{e.Time.Format(TimeOfDay), e.Level, e.LoggerName, e.Message, object.Bytes()})
	if err != nil {
		return nil, err
	}
	line := t.pool.Get()
	_, _ = line.Write(text) // a buffer takes everything
	return line, nil
}
