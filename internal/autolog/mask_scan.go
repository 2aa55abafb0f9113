package autolog

import (
	"regexp"
	"strings"
)

// scanKey tells the keys that are secrets from the many other names in a training's output that end in "key".
var scanKey = regexp.MustCompile(`(?i)(api|access|secret|private|auth|account|encryption|signing|client|service|storage|subscription|master|shared)[_.-]?key$`)

// scanEnds end every name that scanned looks for: to look for them costs less than a pattern.
var scanEnds = []string{"token", "secret", "passwd", "password", "passphrase", "pass", "pwd", "credential", "credentials", "key"}

// How a value is written after its name. In source code only what stands in a string is a value: other words are names.
type scanMode int

const (
	scanText scanMode = iota
	scanCode
)

// scanned hides what a text gives to a name like a secret's: name=value, name: value, "name": "value", and headers that
// authorize. It goes through the text once and looks closer only where there is a `=` or `:` behind such a name.
func scanned(s string, mode scanMode) string {
	var out strings.Builder
	kept := 0
	for at := 0; at < len(s); {
		i := strings.IndexAny(s[at:], ":=")
		if i < 0 {
			break
		}
		at += i + 1
		start, end := secretAfter(s, at-1, mode)
		if start < 0 || start < kept {
			continue
		}
		out.WriteString(s[kept:start])
		out.WriteString(masked)
		kept, at = end, end
	}
	if kept == 0 {
		return s
	}
	return out.String() + s[kept:]
}

// secretAfter gives where the secret lies that the separator at a place gives to the name before it; start is -1 for none.
func secretAfter(s string, separator int, mode scanMode) (start, end int) {
	name := nameBefore(s, separator)
	authorizes := endsWith(name, "authorization")
	if name == "" || !authorizes && !scanName(name) {
		return -1, -1
	}
	start = separator + 1
	for start < len(s) && (s[start] == ' ' || s[start] == '\t') {
		start++
	}
	spaced := start > separator+1
	quote := ""
	for _, q := range []string{`"`, `'`, `\"`, `\'`} {
		if strings.HasPrefix(s[start:], q) {
			quote = q
			start += len(q)
		}
	}
	if quote != "" {
		end = start + lineEnd(s[start:])
		if i := strings.Index(s[start:end], quote); i >= 0 {
			end = start + i
		}
	} else {
		if mode == scanCode && !inString(s, separator) {
			return -1, -1
		}
		end = start + bareEnd(s[start:])
	}
	if authorizes {
		return credentialsIn(s, start, end, quote != "")
	}
	if mode == scanCode && quote != "" {
		return -1, -1 // an assignment, which diff knows
	}
	value := s[start:end]
	if value == masked || saysOnly(value) || value == name || isPath(value) || !plausible(value) {
		return -1, -1
	}
	if endsWith(name, "token") && len(value) < 20 && (!hasDigit(value) || len(value) < 8 || isNumber(value)) {
		return -1, -1 // a word, or how many
	}
	switch {
	case quote != "":
	case end < len(s) && (s[end] == '(' || s[end] == '['):
		return -1, -1 // a call
	case s[separator] == ':' || spaced:
		// Prose and source code have words there, a line of its own has the value.
		alone := mode == scanText && s[separator] == ':' && startsLine(s, separator, name) && endsLine(s[end:])
		if !alone && (!hasDigit(value) || len(value) < minSecret) {
			return -1, -1
		}
	}
	return start, end
}

// scanName tells whether text that is given to a name is hidden: only names that end like a secret's. In the middle, as of
// token_count, such words say nothing.
func scanName(name string) bool {
	for _, end := range scanEnds {
		if endsWith(name, end) {
			return !notSecret.MatchString(name) && (secretName.MatchString(name) || secretPass.MatchString(name) || scanKey.MatchString(name))
		}
	}
	return false
}

// endsWith compares without regard to case.
func endsWith(name, end string) bool {
	return len(name) >= len(end) && strings.EqualFold(name[len(name)-len(end):], end)
}

// nameBefore gives the name that ends before a place: NAME, "NAME", \"NAME\", ["NAME"].
func nameBefore(s string, at int) string {
	for at > 0 && (s[at-1] == ' ' || s[at-1] == ']') {
		at--
	}
	if at > 0 && (s[at-1] == '"' || s[at-1] == '\'') {
		at--
		if at > 0 && s[at-1] == '\\' {
			at--
		}
	}
	begin := at
	for begin > 0 && at-begin < 100 && isNameByte(s[begin-1]) {
		begin--
	}
	return strings.TrimLeft(s[begin:at], "-.")
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// credentialsIn gives where the credentials lie in the value of a header: Bearer CREDENTIALS, Basic CREDENTIALS, or without
// a scheme where they look like credentials.
func credentialsIn(s string, start, end int, quoted bool) (int, int) {
	word := start + bareEnd(s[start:])
	from := word
	for from < len(s) && s[from] == ' ' {
		from++
	}
	if from > word && isWord(s[start:word]) && (!quoted || from < end) {
		start = from
		if !quoted {
			end = start + bareEnd(s[start:])
		}
	}
	value := s[start:end]
	schemed := start == from && from > word
	if value == masked || !plausible(value) || len(value) < minSecret || !schemed && !hasDigit(value) && !strings.ContainsAny(value, ".+/=") && len(value) < 16 {
		return -1, -1
	}
	return start, end
}

func isWord(s string) bool {
	for i := range len(s) {
		if (s[i] < 'a' || s[i] > 'z') && (s[i] < 'A' || s[i] > 'Z') && s[i] != '-' {
			return false
		}
	}
	return s != ""
}

// bareEnd is the length of a value without quotes.
func bareEnd(s string) int {
	if i := strings.IndexAny(s, " \t\r\n,;&()[]{}\"'`<>|\\"); i >= 0 {
		return i
	}
	return len(s)
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// plausible tells whether a value may be a secret: a placeholder ({name}, $NAME, %s, ****, …) is none.
func plausible(value string) bool {
	if value == "" || strings.ContainsAny(value[:1], "{$%<*[(:=") {
		return false
	}
	return !strings.ContainsAny(value, "{}\n") && strings.Trim(value, "*.xX-") != ""
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

func isNumber(s string) bool { return strings.Trim(s, "0123456789.,eE+-_%") == "" }

// startsLine tells whether the name before a separator is the first word of its line.
func startsLine(s string, separator int, name string) bool {
	line := s[strings.LastIndexByte(s[:separator], '\n')+1 : separator]
	return strings.Trim(line, " \t\"'-") == name
}

func endsLine(s string) bool { return strings.Trim(s[:lineEnd(s)], " \t\r,\"'") == "" }

// inString tells whether a place lies in a string that begins on its line.
func inString(s string, at int) bool {
	open := byte(0)
	for i := strings.LastIndexByte(s[:at], '\n') + 1; i < at; i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case open == 0 && (c == '"' || c == '\''):
			open = c
		case c == open:
			open = 0
		}
	}
	return open != 0
}

// tokenForms are the tokens that are known by their form alone.
var tokenForms = []struct {
	prefix string
	form   *regexp.Regexp // from the prefix on
}{
	{"AKIA", regexp.MustCompile(`^AKIA[A-Z0-9]{16}\b`)},
	{"ASIA", regexp.MustCompile(`^ASIA[A-Z0-9]{16}\b`)},
	{"ghp_", githubToken}, {"gho_", githubToken}, {"ghu_", githubToken}, {"ghs_", githubToken}, {"ghr_", githubToken},
	{"github_pat_", regexp.MustCompile(`^github_pat_[A-Za-z0-9_]{20,}`)},
	{"glpat-", regexp.MustCompile(`^glpat-[A-Za-z0-9_-]{16,}`)},
	{"xox", regexp.MustCompile(`^xox[a-z]-[A-Za-z0-9-]{10,}`)},
	// With a digit in it: words that are joined with hyphens are no token.
	{"sk-", regexp.MustCompile(`^sk-(?:[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}`)},
	{"hf_", regexp.MustCompile(`^hf_[A-Za-z0-9]{20,}`)},
	{"AIza", regexp.MustCompile(`^AIza[A-Za-z0-9_-]{35}`)},
	{"eyJ", regexp.MustCompile(`^eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*`)},
}

var githubToken = regexp.MustCompile(`^gh[pousr]_[A-Za-z0-9]{20,}`)

// knownTokens hides tokens of well-known forms.
func knownTokens(s string) string {
	for _, token := range tokenForms {
		for at := 0; ; {
			i := strings.Index(s[at:], token.prefix)
			if i < 0 {
				break
			}
			at += i
			if at > 0 && isNameByte(s[at-1]) && s[at-1] != '.' {
				at += len(token.prefix)
				continue
			}
			found := token.form.FindStringIndex(s[at:])
			if found == nil {
				at += len(token.prefix)
				continue
			}
			s = s[:at] + masked + s[at+found[1]:]
			at += len(masked)
		}
	}
	return s
}
