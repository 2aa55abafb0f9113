package sdk

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// maxHook bounds the sources of a hook: they are loaded into every training.
const maxHook = 1 << 20

var modulePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// hookSources are the sources of a hook: of the module that defines install, and of those beside it, by name.
type hookSources struct {
	source  []byte
	modules map[string][]byte
}

// hook gives the sources, from wherever the description has them.
func (d Description) hook() (hookSources, error) {
	switch {
	case d.HookFiles == nil && len(d.Hook) == 0:
		return hookSources{}, errors.New("has no hook")
	case d.HookFiles == nil && len(d.Hook) > maxHook:
		return hookSources{}, fmt.Errorf("has a hook of %d bytes: at most %d are allowed", len(d.Hook), maxHook)
	case d.HookFiles == nil:
		return hookSources{source: d.Hook}, nil
	case len(d.Hook) > 0:
		return hookSources{}, errors.New("has a hook twice: give Hook or HookFiles")
	}
	dir, err := packageIn(d.HookFiles)
	if err != nil {
		return hookSources{}, fmt.Errorf("has an unusable hook: %w", err)
	}
	found, err := readPackage(d.HookFiles, dir)
	if err != nil {
		return hookSources{}, fmt.Errorf("has an unusable hook: %w", err)
	}
	return found, nil
}

// packageIn gives the one directory that has an __init__.py.
func packageIn(files fs.FS) (string, error) {
	var found []string
	err := fs.WalkDir(files, ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && path.Base(name) == "__init__.py" {
			found = append(found, path.Dir(name))
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the files: %w", err)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("its files have %d __init__.py: they are one package", len(found))
	}
	return found[0], nil
}

func readPackage(files fs.FS, dir string) (hookSources, error) {
	out := hookSources{modules: map[string][]byte{}}
	names, err := fs.Glob(files, path.Join(dir, "*.py"))
	if err != nil {
		return out, fmt.Errorf("read the files: %w", err)
	}
	total := 0
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return out, fmt.Errorf("read the files: %w", err)
		}
		module := strings.TrimSuffix(path.Base(name), ".py")
		if !modulePattern.MatchString(module) {
			return out, fmt.Errorf("%s is not named as a module is", name)
		}
		if total += len(source); total > maxHook {
			return out, fmt.Errorf("it has more than %d bytes", maxHook)
		}
		if module == "__init__" {
			out.source = source
		} else {
			out.modules[module] = source
		}
	}
	if len(out.source) == 0 {
		return out, fmt.Errorf("%s is empty", path.Join(dir, "__init__.py"))
	}
	return out, nil
}
