package logs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// backup matches what stands behind the name of a log file in the names of its old ones: a number or a date by
// logrotate.
var backup = regexp.MustCompile(`^[.-](\d+|\d{8}(-\d+)?|\d{4}-\d\d-\d\d)(\.gz|\.zst)?$`)

// stamp matches what the server itself puts between name and extension.
var stamp = regexp.MustCompile(`^-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d{1,6})?(-[a-z]+)?(_\d+)?$`)

// Rotated returns the old files of the log file at path, as the server and logrotate name them, and path itself, sorted
// by name.
func Rotated(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	found := []string{path}
	for _, e := range entries {
		if e.Type().IsRegular() && isBackup(e.Name(), filepath.Base(path)) {
			found = append(found, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	slices.Sort(found)
	return found, nil
}

func isBackup(name, of string) bool {
	if rest, ok := strings.CutPrefix(name, of); ok {
		return backup.MatchString(rest)
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	extension := filepath.Ext(of)
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(of, extension))
	if !ok || !strings.HasSuffix(rest, extension) {
		return false
	}
	return stamp.MatchString(strings.TrimSuffix(rest, extension))
}
