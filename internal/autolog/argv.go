package autolog

import (
	"path/filepath"
	"regexp"
	"strings"
)

// sourceName is the program's own name of the command: the script or the module where there is one.
func sourceName(argv []string) string {
	if p := readPython(argv); p.module != "" {
		return p.module
	}
	for _, argument := range argv[1:] {
		// What has a space in it is rather a shell's whole command than a file.
		if filepath.Ext(argument) != argument && !strings.ContainsAny(argument, " \t\n") &&
			(strings.HasSuffix(argument, ".py") || strings.HasSuffix(argument, ".ipynb") || strings.HasSuffix(argument, ".sh")) {
			return argument
		}
	}
	return filepath.Base(argv[0])
}

var pythonProgram = regexp.MustCompile(`^(?:python|pypy)[0-9.]*(?:\.exe)?$`)

// pythonCommand is what a command line says to the interpreter itself.
type pythonCommand struct {
	// module is what -m names.
	module string
	// isolating is the flag by which the interpreter leaves out PYTHONPATH or sitecustomize, and with them the hook; empty
	// when it has none.
	isolating string
}

// readPython reads the interpreter's own flags, which end at the script, -c or -m.
func readPython(argv []string) pythonCommand {
	var out pythonCommand
	if !pythonProgram.MatchString(filepath.Base(argv[0])) {
		return out
	}
	for rest := argv[1:]; len(rest) > 0; rest = rest[1:] {
		flags, dashed := strings.CutPrefix(rest[0], "-")
		if !dashed || flags == "" || strings.HasPrefix(flags, "-") {
			break // the script, standard input, or a long flag, all of which leave the hook in
		}
	letters:
		for i, letter := range flags {
			switch letter {
			case 'I', 'E', 'S':
				out.isolating = "-" + string(letter)
			case 'm':
				if out.module = flags[i+1:]; out.module == "" && len(rest) > 1 {
					out.module = rest[1]
				}
				return out
			case 'c':
				return out
			case 'W', 'X':
				if i == len(flags)-1 && len(rest) > 1 {
					rest = rest[1:]
				}
				break letters // what follows is the flag's value
			}
		}
	}
	return out
}
