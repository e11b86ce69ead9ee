package logs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseMoment reads a point in time: RFC 3339, a date and time or a date of here (2026-11-23T14:30, 2026-11-23), a
// time of day (14:30), or how long before now it was (-15m, 15m, 2d).
func ParseMoment(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			year, month, day := now.Date()
			return time.Date(year, month, day, at.Hour(), at.Minute(), at.Second(), 0, now.Location()), nil
		}
	}
	ago := strings.TrimPrefix(text, "-")
	if days, err := strconv.ParseFloat(strings.TrimSuffix(ago, "d"), 64); err == nil && strings.HasSuffix(ago, "d") {
		return now.Add(-time.Duration(days * 24 * float64(time.Hour))), nil
	}
	if d, err := time.ParseDuration(ago); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("found %q; expected a time like -15m, 2d, 14:30, 2026-11-23 or 2026-11-23T14:30:00Z", text)
}
