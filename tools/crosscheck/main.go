// Command crosscheck checks that packages compile for platforms other than this
// one, without compiling them: it reads and type-checks the sources as each
// platform selects them, which takes seconds where a build takes minutes.
//
//	go run -C tools ./crosscheck ROOT PLATFORMS PACKAGE...
//
// ROOT is the module's directory, PLATFORMS a list such as linux/arm64,windows/amd64. Bodies of functions are checked in that
// module only; of its dependencies, what they declare.
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: crosscheck ROOT PLATFORMS PACKAGE...")
		os.Exit(2)
	}
	root, err := filepath.Abs(os.Args[1])
	if err == nil {
		for _, platform := range strings.Split(os.Args[2], ",") {
			err = errors.Join(err, check(root, platform, os.Args[3:]))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check type-checks patterns, as seen from root, for one GOOS/GOARCH.
func check(root, platform string, patterns []string) error {
	system, architecture, _ := strings.Cut(platform, "/")
	config := &packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedDeps | packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo |
			packages.NeedModule,
		Dir: root,
		Env: append(os.Environ(), "GOOS="+system, "GOARCH="+architecture, "CGO_ENABLED=0"),
		ParseFile: func(set *token.FileSet, name string, source []byte) (*ast.File, error) {
			file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
			if file != nil && !strings.HasPrefix(name, root+string(filepath.Separator)) {
				dropBodies(file)
			}
			return file, err
		},
	}
	loaded, err := packages.Load(config, patterns...)
	if err != nil {
		return fmt.Errorf("%s: %w", platform, err)
	}
	var failures []error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		ours := p.Module != nil && p.Module.Main
		for _, e := range p.Errors {
			// A dependency without its bodies has imports that nothing uses, which is no
			// error of it; that it has no files for a platform is.
			if ours || e.Kind != packages.TypeError {
				failures = append(failures, fmt.Errorf("%s: %w", platform, e))
			}
		}
	})
	return errors.Join(failures...)
}

// dropBodies removes what functions do and leaves what they are.
func dropBodies(file *ast.File) {
	for _, declaration := range file.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok {
			function.Body = nil
		}
	}
}
