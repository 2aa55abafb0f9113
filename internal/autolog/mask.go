package autolog

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// masked stands where a secret was.
const masked = "***"

// minSecret is the length from which a value counts as a secret wherever it appears: shorter ones ("1", "dev") would mask
// ordinary output.
const minSecret = 6

// secretName tells names of variables, flags and params that hold secrets. Names that end in "key" are told by wordKey,
// since `monkey` is none.
var secretName = regexp.MustCompile(`(?i)(token|secret|passwd|password|passphrase|pwd|credentials?)$`)

var secretWord = regexp.MustCompile(`(?i)(^|[_.-])(secret|password|passwd|passphrase|credentials?|apikey|token)([_.-]|$)`)

// secretPass tells names that end in "pass", which is also a word of trainings ("pass: 3").
var secretPass = regexp.MustCompile(`(^|_)PASS$|(?i:(^|[_.-])(db|database|user|admin|root|smtp|imap|mail|ssh|s?ftp|ldap|proxy|pg|postgres|mysql|mariadb|redis|mongo|rabbitmq|amqp|auth|login)[_.-]?pass$)`)

// notSecret are names that end like a secret's and hold none.
var notSecret = regexp.MustCompile(`(?i)(^|[_.-])(sort|group|primary|foreign|cache|max|min|num|n|pad|eos|bos|unk|mask|sep|cls)[_-]?(key|token)$|^(key|monkey|hotkey|turkey)$`)

var wordKey = regexp.MustCompile(`(?i)([_.-]|^)(key)$|[a-z]Key$|(?i)(api|access|secret|private|auth|account)key$`)

var userInfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)([^/\s:@'"]*):([^/\s@'"]+)@`)

// IsSecretName tells whether the value of a variable, flag or param of this name is hidden in what is recorded.
func IsSecretName(name string) bool { return isSecretName(name) }

// HideSecrets hides in a text what is hidden in what is recorded of a command: values of the environment's secrets, and those
// of the flags of a command line.
func HideSecrets(text string, argv []string) string { return newMasker(os.Environ(), argv).text(text) }

// NewRunID makes the id of a run.
func NewRunID() string { return newID() }

// isSecretName tells whether a variable, flag or param of this name holds a secret.
func isSecretName(name string) bool {
	name = strings.TrimLeft(name, "-")
	if notSecret.MatchString(name) {
		return false
	}
	if strings.HasSuffix(strings.ToLower(name), "key") {
		return wordKey.MatchString(name)
	}
	return secretName.MatchString(name) || secretWord.MatchString(name) || secretPass.MatchString(name)
}

// A masker hides secrets in text: the values of environment variables that are named like secrets, wherever they appear,
// passwords in URLs, tokens of well-known forms, and what a text gives to a name like a secret's. It is safe for concurrent use.
type masker struct {
	replacer *strings.Replacer
}

// newMasker takes the environment ("NAME=value") and the command line, whose flags may carry secrets too.
func newMasker(environ, argv []string) *masker {
	var values []string
	add := func(value string) {
		// A secret of many lines appears in output line by line.
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= minSecret {
				values = append(values, line)
			}
		}
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if isSecretName(name) && !isPath(value) {
			add(value)
		}
		if parsed, err := url.Parse(value); err == nil && parsed.Host != "" {
			if password, ok := parsed.User.Password(); ok {
				add(password)
			}
		}
	}
	for i, argument := range argv {
		name, value, assigned := strings.Cut(argument, "=")
		switch {
		case assigned && isSecretName(name):
			add(value)
		case strings.HasPrefix(argument, "-") && isSecretName(argument) && i+1 < len(argv) && !strings.HasPrefix(argv[i+1], "-"):
			add(argv[i+1])
		}
	}
	// The longest first, so that a secret that contains another is hidden whole.
	slices.SortFunc(values, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	values = slices.Compact(values)
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, masked)
	}
	return &masker{replacer: strings.NewReplacer(pairs...)}
}

// isPath tells values such as SSH_PRIVATE_KEY=/home/me/.ssh/id: the path is no secret, and masking it would mask
// ordinary output.
func isPath(value string) bool {
	return strings.HasPrefix(value, "/") && !strings.ContainsAny(value, "+=\n") || strings.HasPrefix(value, "~/")
}

// text hides secrets in a text.
func (m *masker) text(s string) string { return scanned(m.known(s), scanText) }

// known hides what is a secret wherever it stands.
func (m *masker) known(s string) string {
	s = m.replacer.Replace(s)
	if strings.Contains(s, "://") {
		s = userInfo.ReplaceAllString(s, "${1}${2}:"+masked+"@")
	}
	return knownTokens(s)
}

// argv hides secrets in a command line, also short values of flags named like secrets.
func (m *masker) argv(argv []string) []string {
	out := make([]string, len(argv))
	hideNext := false
	for i, argument := range argv {
		name, _, assigned := strings.Cut(argument, "=")
		switch {
		case hideNext && !strings.HasPrefix(argument, "-"):
			out[i], hideNext = masked, false
		case assigned && isSecretName(name):
			out[i], hideNext = name+"="+masked, false
		default:
			out[i] = m.text(argument)
			hideNext = strings.HasPrefix(argument, "-") && !assigned && isSecretName(argument)
		}
	}
	return out
}

// saysOnly tells words that only say whether there is a secret.
func saysOnly(value string) bool {
	switch value {
	case "", "None", "True", "False", "none", "null", "true", "false", "deprecated":
		return true
	}
	return false
}

// value hides the value of a param or tag whose name says that it is a secret.
func (m *masker) value(name, value string) string {
	if saysOnly(value) {
		return value
	}
	if isSecretName(name) {
		return masked
	}
	return m.text(value)
}
