package autolog

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
)

// newFilePatch writes what `git diff` would of a file that is not tracked yet, so that `git apply` makes it: starting git
// for each of many files would hold up the end of a short run. ok is false for what is no text.
func newFilePatch(name string, mode fs.FileMode, content []byte) (patch []byte, ok bool) {
	if bytes.IndexByte(content, 0) >= 0 {
		return nil, false
	}
	var b bytes.Buffer
	permissions := "100644"
	if mode&0o111 != 0 {
		permissions = "100755"
	}
	fmt.Fprintf(&b, "diff --git %s %s\nnew file mode %s\n", patchName("a/"+name), patchName("b/"+name), permissions)
	if len(content) == 0 {
		return b.Bytes(), true
	}
	whole := content[len(content)-1] == '\n'
	count := bytes.Count(content, []byte{'\n'})
	if !whole {
		count++
	}
	end := ""
	if patchName(name) == name && strings.Contains(name, " ") { // as git marks where such a name ends
		end = "\t"
	}
	fmt.Fprintf(&b, "--- /dev/null\n+++ %s%s\n@@ -0,0 +1,%d @@\n", patchName("b/"+name), end, count)
	for line := range bytes.Lines(content) {
		b.WriteByte('+')
		b.Write(line)
	}
	if !whole {
		b.WriteString("\n\\ No newline at end of file\n")
	}
	return b.Bytes(), true
}

// patchName quotes a name as git does, when it holds what would end it.
func patchName(name string) string {
	odd := func(c byte) bool { return c < ' ' || c == '"' || c == '\\' || c == 0x7f }
	if !strings.ContainsFunc(name, func(r rune) bool { return r < 0x80 && odd(byte(r)) }) {
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case odd(c):
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
