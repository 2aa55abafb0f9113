package artifact

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
)

func TestCleanPath(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"a", "model/MLmodel", "a b/c d.txt", "..a/b..", "...", ".hidden", "学习率/ä.png", "100%.txt", "a%20b", "%", "%zz", "a%2", "ab:c",
		"2026-01-01T10:00:00.txt", "a+b&c=d;e", "~/x", "$HOME", "'\"<>|*?", strings.Repeat("a", 255), strings.Repeat("a/", 511) + "aa",
		"%c3%a4", "1:2", "CON.txt/x", "images/loss%step%10%timestamp%1795599029342%mb1ff.png", "loss%step%80", "a%7fb",
	} {
		got, err := CleanPath(good)
		require.NoError(t, err, good)
		require.Equal(t, good, got)
	}
	for bad, why := range map[string]string{
		"":                              "is empty",
		"/":                             "begins with /",
		"/etc/passwd":                   "begins with /",
		"a/":                            "ends with /",
		"a//b":                          "holds //",
		".":                             "holds the name .",
		"..":                            "holds the name ..",
		"../x":                          "holds the name ..",
		"a/../b":                        "holds the name ..",
		"a/./b":                         "holds the name .",
		"a/..":                          "holds the name ..",
		`a\b`:                           `holds a \`,
		`..\x`:                          `holds a \`,
		"C:/x":                          "begins with the letter of a drive",
		"c:x":                           "begins with the letter of a drive",
		"a\x00b":                        "holds a control character",
		"a\nb":                          "holds a control character",
		"a\x7fb":                        "holds a control character",
		"a\u0085b":                      "holds a control character",
		"a\xffb":                        "is not UTF-8",
		"\xc0\xae\xc0\xae/x":            "is not UTF-8",
		"%2e%2e/x":                      "holds the name .., when decoded",
		"%2E%2e/x":                      "holds the name .., when decoded",
		".%2e/x":                        "holds the name .., when decoded",
		"a%2f..%2fb":                    "holds the name .., when decoded",
		"%2fetc":                        "begins with /, when decoded",
		"a%5cb":                         `holds a \, when decoded`,
		"a%00":                          "holds a control character, when decoded",
		"a%0ab":                         "holds a control character, when decoded",
		"a%250db":                       "holds a control character, when decoded",
		"%e0%80%ae./x":                  "is not UTF-8, when decoded",
		"%f0%80%80%ae./x":               "is not UTF-8, when decoded",
		"%c0%ae%c0%ae/x":                "is not UTF-8, when decoded",
		"%252e%252e/x":                  "holds the name .., when decoded",
		"%25252525252e./x":              "holds the name .., when decoded",
		"%2525252500":                   "holds a control character, when decoded",
		"%43%3a/x":                      "begins with the letter of a drive, when decoded",
		strings.Repeat("a", 256):        "holds a name of more than 255 bytes",
		strings.Repeat("a/", 512) + "a": "has 1025 bytes; at most 1024 are allowed",
	} {
		_, err := CleanPath(bad)
		require.ErrorContains(t, err, why, bad)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
		var e *errs.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "path", e.Field)
	}
}

func TestRoots(t *testing.T) {
	t.Parallel()
	require.Equal(t, "12/abc/artifacts", RunRoot(12, "abc"))
	require.Equal(t, "12/models/m-1/artifacts", ModelRoot(12, "m-1"))
	root, err := Root("mlflow-artifacts:/12/abc/artifacts")
	require.NoError(t, err)
	require.Equal(t, "12/abc/artifacts", root)
	for location, kind := range map[string]errs.Kind{
		"s3://bucket/x": errs.Unsupported, "/etc": errs.Unsupported, "": errs.Unsupported, "mlflow-artifacts:/": errs.Invalid,
		"mlflow-artifacts:/../x": errs.Invalid,
	} {
		_, err := Root(location)
		require.Equal(t, kind, errs.KindOf(err), location)
	}
}

// Whatever passes stays below any folder it is joined to, also for one who decodes it again and again, or joins it with
// a mind of its own.
func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{
		"a/b", "..", "%2e%2e%2f", "a%00", `..\..`, "C:x", "%25%32%65", "a//b", "....//", "..%c0%af", "%u002e", "a/%2e%2e/%2e%2e/b", "/",
		"．．/x", "a;/../b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got, err := CleanPath(p)
		if err != nil {
			require.Equal(t, errs.Invalid, errs.KindOf(err))
			return
		}
		require.Equal(t, p, got)
		const root = "/srv/artifacts"
		for range 20 {
			joined := filepath.Join(root, filepath.FromSlash(p))
			require.Equal(t, root+"/"+p, joined, "nothing in it is resolved")
			require.True(t, filepath.IsLocal(p))
			decoded, err := url.PathUnescape(p)
			if err != nil || decoded == p {
				break
			}
			p = decoded
		}
	})
}
