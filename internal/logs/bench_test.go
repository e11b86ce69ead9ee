package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sealquay/sealquay/internal/logging"
)

// sample returns lines of about size bytes in all, as the server writes them under load: sessions with seven lines,
// each some milliseconds after the one before.
func sample(size int) []byte {
	var b bytes.Buffer
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	line := func(level, event, fields string) {
		at = at.Add(137 * time.Microsecond)
		fmt.Fprintf(&b, `{"level":"%s","ts":"%s","event":"%s","msg":"%s",%s}`+"\n",
			level, at.Format("2006-01-02T15:04:05.000000Z"), event, logging.Event(event).Message(), fields)
	}
	for conn := 1; b.Len() < size; conn++ {
		client := fmt.Sprintf(`"client_id":"%032x"`, conn%5000*7919)
		common := fmt.Sprintf(`"conn_id":%d,"request_id":%%d,"client_ip":"192.0.2.%d","op":"%%s","op_code":%%d,"status":%%d,"dialect":"specification","bytes_in":%%d,"queue_wait":0.000035,"duration":0.%06d,`,
			conn, conn%250, conn*7919%1000000/(1+conn%100))
		request := func(number int, op string, code, status, bytes int, more string) {
			line("info", "request.done", fmt.Sprintf(common, number, op, code, status, bytes)+client+more)
		}
		request(1, "registration", 1100, 2100, 0, fmt.Sprintf(`,"client_name":"client-%d"`, conn%5000))
		request(2, "public_key", 1101, 2102, 0, fmt.Sprintf(`,"client_name":"client-%d"`, conn%5000))
		line("info", "file.received", fmt.Sprintf(`"file_name":"report.pdf","file_size":1048576,"checksum":"crc32","conn_id":%d,"client_ip":"192.0.2.%d",%s`, conn, conn%250, client))
		request(3, "encrypted_file", 1103, 2103, 1048592, `,"file_name":"report.pdf","file_size":1048576`)
		if conn%50 == 0 {
			request(4, "valid_crc", 1104, 2101, 0, `,"file_name":"report.pdf","file_size":0,"reason":"nothing_received"`)
		} else {
			line("info", "file.verified", fmt.Sprintf(`"audit":true,"file_name":"report.pdf","file_size":1048576,"conn_id":%d,"client_ip":"192.0.2.%d",%s`, conn, conn%250, client))
			request(4, "valid_crc", 1104, 2104, 0, `,"file_name":"report.pdf","file_size":1048576`)
		}
		line("info", "conn.close", fmt.Sprintf(`"conn_id":%d,"client_ip":"192.0.2.%d","reason":"client_closed","requests":4,"bytes_in":1050000,"bytes_out":500,"duration":0.05`, conn, conn%250))
	}
	return b.Bytes()
}

// BenchmarkFilter reads 64 MiB of log, or SEALQUAY_LOG_MIB, from memory.
func BenchmarkFilter(b *testing.B) {
	mib := 64
	if n, err := strconv.Atoi(os.Getenv("SEALQUAY_LOG_MIB")); err == nil {
		mib = n
	}
	input := sample(mib << 20)
	if file := os.Getenv("SEALQUAY_LOG_SAMPLE"); file != "" {
		if err := os.WriteFile(file, input, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct{ name, where string }{
		{"all", ""},
		{"reason", "reason=nothing_received"},
		{"client", "client_id=00000000000000000000000000001eef"},
		{"numbers", "duration>0.1 and bytes_in>1MiB"},
		{"pattern", `client_name~"-4[0-9]9$"`},
		{"time", "ts>2026-11-23T00:00:20Z"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(input)))
			b.ReportAllocs()
			for b.Loop() {
				matched := 0
				var filter Filter
				if c.where != "" {
					condition, err := ParseCondition(c.where)
					if err != nil {
						b.Fatal(err)
					}
					filter.Where(condition)
				}
				lines, err := Open(context.Background(), Options{Input: bytes.NewReader(input)})
				if err != nil {
					b.Fatal(err)
				}
				printer := NewJSON(io.Discard)
				for line := lines.Next(); line != nil; line = lines.Next() {
					if filter.Match(line) {
						matched++
						if err := printer.Print(line); err != nil {
							b.Fatal(err)
						}
					}
				}
				if matched == 0 || lines.Err() != nil {
					b.Fatalf("%d lines matched, %v", matched, lines.Err())
				}
			}
		})
	}
}
