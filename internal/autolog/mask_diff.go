package autolog

import (
	"path"
	"regexp"
	"strings"
)

// assignment finds a name and the string that it is given: NAME = "…", NAME: str = "…", "NAME": "…", f(NAME="…").
var assignment = regexp.MustCompile(`([A-Za-z_][\w.-]*)(["']?\]?\s*(?::\s*[\w.\[\], |]+)?[=:]\s*[rbfuRBFU]{0,2})` +
	`("""[^"]+"""|'''[^']+'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`)

// setting is a line of a settings file, whose values need no quotes.
var setting = regexp.MustCompile(`^([+\- ]\s*(?:export\s+)?)([A-Za-z_][\w.-]*)(\s*[=:]\s*)([^\s"'#][^\s#]*)`)

// settingsFiles are the kinds of files whose lines are settings. In source code a bare word is a name and no secret.
var settingsFiles = map[string]bool{
	".env": true, ".yaml": true, ".yml": true, ".toml": true, ".ini": true, ".cfg": true, ".conf": true, ".properties": true, ".sh": true,
}

// diff hides secrets in a patch: those that text knows, and what variables and settings are given whose names say that
// they hold one.
func (m *masker) diff(patch string) string {
	var out strings.Builder
	out.Grow(len(patch))
	ofSettings := false
	for line := range strings.Lines(patch) {
		if name, found := strings.CutPrefix(line, "diff --git "); found {
			name = strings.TrimRight(name, "\"\n")
			ofSettings = settingsFiles[path.Ext(name)] || strings.HasPrefix(path.Base(name), ".env")
		}
		if ofSettings {
			line = replaceSecrets(setting, line, 2, 4)
		}
		out.WriteString(replaceSecrets(assignment, line, 1, 3))
	}
	return scanned(m.known(out.String()), scanCode)
}

// replaceSecrets masks one group of each match in a line where another names a secret. Quotes stay.
func replaceSecrets(pattern *regexp.Regexp, line string, name, value int) string {
	var out strings.Builder
	end := 0
	for _, at := range pattern.FindAllStringSubmatchIndex(line, -1) {
		text := line[at[2*value]:at[2*value+1]]
		bare := strings.Trim(text, `"'`)
		if !isSecretName(line[at[2*name]:at[2*name+1]]) || saysOnly(bare) {
			continue
		}
		quotes := (len(text) - len(bare)) / 2
		out.WriteString(line[end:at[2*value]])
		out.WriteString(text[:quotes] + masked + text[len(text)-quotes:])
		end = at[2*value+1]
	}
	return out.String() + line[end:]
}
