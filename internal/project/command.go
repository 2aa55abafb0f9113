package project

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// Value is a parameter with the value that it has in a run.
type Value struct{ Name, Value string }

// pythonFloat is what Python's float() reads.
var pythonFloat = regexp.MustCompile(`^\s*[-+]?(?i:(\d(_?\d)*)(\.(\d(_?\d)*)?)?(e[-+]?\d(_?\d)*)?|\.\d(_?\d)*(e[-+]?\d(_?\d)*)?|inf|infinity|nan)\s*$`)

// Resolve gives the values of an entry point's parameters, in its order, and behind them those that it does not name, in the
// order of their names. Relative paths are the caller's. Secret tells parameters whose values no error shows.
func (e EntryPoint) Resolve(given map[string]string, secret func(name string) bool) (values, extra []Value, err error) {
	var missing []string
	for _, p := range e.Parameters {
		value, ok := given[p.Name]
		if !ok && p.Default == nil {
			missing = append(missing, p.Name)
			continue
		}
		if !ok {
			value = *p.Default
		}
		if value, err = p.check(value, e.File, !ok, secret(p.Name)); err != nil {
			return nil, nil, err
		}
		values = append(values, Value{p.Name, value})
	}
	if len(missing) > 0 {
		return nil, nil, errs.New(errs.Invalid, "%s, line %d: the entry point %s needs a value for %s: add -P %s=VALUE",
			e.File, e.Line, e.Name, strings.Join(missing, ", "), strings.Join(missing, "=VALUE -P "))
	}
	for name, value := range given {
		if !slices.ContainsFunc(e.Parameters, func(p Parameter) bool { return p.Name == name }) {
			extra = append(extra, Value{name, value})
		}
	}
	slices.SortFunc(extra, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
	for _, v := range slices.Concat(values, extra) {
		if strings.ContainsRune(v.Name+v.Value, 0) {
			return nil, nil, errs.Field("-P "+v.Name, "has a zero byte")
		}
	}
	return values, extra, nil
}

// check gives a value as its type has it.
func (p Parameter) check(value, file string, isDefault, secret bool) (string, error) {
	refuse := func(what string) error {
		shown := value
		if secret {
			shown = "***"
		}
		if isDefault {
			return at(file, p.Line, "the default %.200q of %s is %s", shown, p.Name, what)
		}
		return errs.Field("-P "+p.Name, "%.200q is %s (%s, line %d)", shown, what, file, p.Line)
	}
	switch p.Type {
	case typeFloat:
		if !pythonFloat.MatchString(value) {
			return "", refuse("no number")
		}
	case typeURI:
		if parsed, err := url.Parse(value); err != nil || parsed.Scheme == "" {
			return "", refuse("no URI, for example s3://bucket/data")
		}
	case typePath:
		local := value
		if parsed, err := url.Parse(value); err == nil && parsed.Scheme == "file" {
			local = filepath.FromSlash(parsed.Path)
		} else if err == nil && len(parsed.Scheme) > 1 {
			return "", refuse("no path on this machine; what is elsewhere is a uri, which the command reads itself")
		}
		if _, err := os.Stat(local); err != nil {
			return "", refuse("no file or directory that is there")
		}
		absolute, err := filepath.Abs(local)
		if err != nil {
			return "", refuse("no path")
		}
		return absolute, nil
	}
	return value, nil
}

// shellCommand fills the placeholders of a command template, which are those of Python's str.format, and appends what the
// entry point does not name as --NAME VALUE. A value stands in the command as one word, whatever it holds. Where the template
// has a placeholder inside quotes or a substitution, a value that a shell could read as more than text is refused.
func (e EntryPoint) shellCommand(values, extra []Value) (string, error) {
	pieces, err := e.pieces()
	if err != nil {
		return "", err
	}
	var command strings.Builder
	for _, piece := range pieces {
		if piece.placeholder == "" {
			command.WriteString(piece.text)
			continue
		}
		i := slices.IndexFunc(values, func(v Value) bool { return v.Name == piece.placeholder })
		if i < 0 {
			return "", at(e.File, e.Line, "the command of %s has {%s}, which is no parameter of it; literal braces are written {{ and }}", e.Name, piece.placeholder)
		}
		switch value := values[i].Value; {
		case !piece.quoted && (!piece.unclear || harmless.MatchString(value)):
			command.WriteString(shellQuote(value))
		case harmless.MatchString(value):
			command.WriteString(value)
		default:
			return "", errs.New(errs.Invalid, "%s, line %d: {%s} stands in quotes or a substitution of the command, where this value could be read as a part of it; take the quotes away, values are quoted by themselves",
				e.File, e.Line, piece.placeholder)
		}
	}
	for _, v := range extra {
		command.WriteString(" --" + shellQuote(v.Name) + " " + shellQuote(v.Value))
	}
	return command.String(), nil
}

// harmless are values that mean nothing to a shell in any quotes.
var harmless = regexp.MustCompile(`^[\pL\pN @%+=:,./_-]*$`)

// piece is a part of a command template: text, or a placeholder. It is quoted inside of quotes, and unclear behind a construct in
// which a shell reads words once more, or quoting is not simply told.
type piece struct {
	text, placeholder string
	quoted, unclear   bool
}

// pieces reads the template.
func (e EntryPoint) pieces() ([]piece, error) {
	var out []piece
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			out = append(out, piece{text: text.String()})
			text.Reset()
		}
	}
	quote := byte(0)
	unclear := rereads.MatchString(e.Command)
	template := e.Command
	for i := 0; i < len(template); i++ {
		c := template[i]
		switch {
		case (c == '{' || c == '}') && i+1 < len(template) && template[i+1] == c:
			text.WriteByte(c)
			i++
			// ${name} is written ${{name}}; a value in it would not be one word.
			unclear = unclear || c == '{' && strings.HasSuffix(text.String(), "${")
			continue
		case c == '}':
			return nil, at(e.File, e.Line, "the command of %s has a single }; a literal one is written }}", e.Name)
		case c == '{':
			end := strings.IndexByte(template[i:], '}')
			if end < 0 {
				return nil, at(e.File, e.Line, "the command of %s has a { without its }; a literal one is written {{", e.Name)
			}
			name := strings.TrimSpace(template[i+1 : i+end])
			if name == "" {
				return nil, at(e.File, e.Line, "the command of %s has {} without a name; literal braces are written {{ and }}", e.Name)
			}
			flush()
			out = append(out, piece{placeholder: name, quoted: quote != 0, unclear: unclear})
			i += end
			continue
		}
		switch c {
		case '\\':
			if quote != '\'' && i+1 < len(template) {
				if next := template[i+1]; next == '{' || next == '}' {
					unclear = true
				} else {
					text.WriteByte(c)
					i++
					c = template[i]
				}
			}
		case '\'', '"':
			switch quote {
			case 0:
				quote = c
			case c:
				quote = 0
			}
		case '`':
			unclear = true
		case '$', '<':
			if i+1 < len(template) && quote != '\'' && (c == '$' && strings.IndexByte(`('"`, template[i+1]) >= 0 || c == '<' && template[i+1] == '<') {
				unclear = true
			}
		case '#':
			unclear = unclear || quote == 0 && (i == 0 || strings.IndexByte(" \t\n;", template[i-1]) >= 0)
		}
		text.WriteByte(c)
	}
	flush()
	return out, nil
}

// rereads tells commands in which a word is read by a shell once more.
var rereads = regexp.MustCompile(`(^|[\s;&|(])(eval|ssh|source|\.)\s|\b(ba|z|da|k)?sh\s+(-\w+\s+)*-\w*c\b`)

var plainWord = regexp.MustCompile(`^[a-zA-Z0-9_@%+=:,./-]+$`)

// shellQuote writes a text as one word of a POSIX shell, as Python's shlex.quote does.
func shellQuote(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'"
}
