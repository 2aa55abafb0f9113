package artifact

import (
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
)

const (
	// MaxPathBytes bounds the path of an artifact below the store's root: an index of PostgreSQL takes 2,700 bytes, and
	// file systems 4,096.
	MaxPathBytes = 1024
	// maxNameBytes is what file systems allow for one name.
	maxNameBytes = 255
)

// CleanPath is the one judge of artifact paths, in every verb. It takes a path as the router gives it, decoded once, and
// gives it back unchanged, or refuses it as Invalid: whatever is not relative and clean, not a name on every system, or
// would lead elsewhere if somebody decoded it once more. So "a%20b" is a name, and "%2e%2e" is not.
func CleanPath(p string) (string, error) {
	if len(p) > MaxPathBytes {
		return "", errs.Field("path", "has %d bytes; at most %d are allowed", len(p), MaxPathBytes)
	}
	for decoded := p; ; {
		why := unspeakable(decoded)
		if decoded != p {
			why = ambiguous(decoded)
		}
		if why == "" {
			why = unclean(decoded)
		}
		if why != "" {
			if decoded != p {
				why += ", when decoded"
			}
			return "", errs.Field("path", "%.100q %s; an artifact path is relative and clean, such as model/MLmodel", p, why)
		}
		next := DecodeOnce(decoded)
		if next == decoded {
			return p, nil
		}
		decoded = next // and shorter, so this ends
	}
}

// unspeakable says which characters make a path that is no text, if any.
func unspeakable(p string) string {
	switch {
	case !utf8.ValidString(p):
		return "is not UTF-8"
	case strings.ContainsFunc(p, unicode.IsControl):
		return "holds a control character"
	}
	return ""
}

// ambiguous says what would mislead one who decodes a path, if anything: a character that ends a C string or a header's
// line, and bytes that a lenient decoder of UTF-8 takes for another character, such as "%c0%ae" for a dot; these begin
// with a byte that announces a longer sequence. Any other byte is as good as a letter there: clients of MLflow 2 separate
// the parts of an image's name by "%", as in "loss%step%80%timestamp%1795599029342".
func ambiguous(p string) string {
	if strings.ContainsAny(p, "\x00\r\n") {
		return "holds a control character"
	}
	for rest := p; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if r == utf8.RuneError && size == 1 && rest[0] >= 0xC0 {
			return "is not UTF-8"
		}
		rest = rest[size:]
	}
	return ""
}

// unclean says what makes a path another than a plain one below its root, or nothing.
func unclean(p string) string {
	switch {
	case p == "":
		return "is empty"
	case strings.Contains(p, `\`):
		return `holds a \`
	case strings.HasPrefix(p, "/"):
		return "begins with /"
	case strings.HasSuffix(p, "/"):
		return "ends with /"
	case len(p) > 1 && p[1] == ':' && unicode.IsLetter(rune(p[0])):
		return "begins with the letter of a drive"
	}
	for name := range strings.SplitSeq(p, "/") {
		switch {
		case name == "":
			return "holds //"
		case name == "." || name == "..":
			return "holds the name " + name
		case len(name) > maxNameBytes:
			return "holds a name of more than 255 bytes"
		}
	}
	// On Windows also refuses names of devices and of streams.
	if path.Clean(p) != p || !filepath.IsLocal(filepath.FromSlash(p)) {
		return "is not a clean relative path"
	}
	return ""
}

// DecodeOnce decodes the percent-escapes that are ones, and leaves what is none.
func DecodeOnce(p string) string {
	if !strings.Contains(p, "%") {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) {
			if n, err := strconv.ParseUint(p[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// RunRoot is where the artifacts of a run lie below the store's root, unless its experiment has a location of its own.
func RunRoot(experimentID int, runID string) string {
	return strconv.Itoa(experimentID) + "/" + runID + "/artifacts"
}

// ModelRoot is where the artifacts of a logged model lie below the store's root, unless its experiment has a location of
// its own.
func ModelRoot(experimentID int, modelID string) string {
	return strconv.Itoa(experimentID) + "/models/" + modelID + "/artifacts"
}

const scheme = "mlflow-artifacts:"

// Root gives where a run or a model, by its ArtifactLocation, has its artifacts below the store's root. Errors:
// Unsupported for a location that is not in this server's store.
func Root(location string) (string, error) {
	below, ok := strings.CutPrefix(location, scheme)
	if !ok {
		return "", errs.New(errs.Unsupported, "the artifacts lie at %.200s, outside of this server; read them there", location)
	}
	return CleanPath(strings.TrimLeft(below, "/"))
}
