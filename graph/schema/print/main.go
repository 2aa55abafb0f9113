// Command print writes the whole published API, graph/schema/*.graphql merged and formatted, to schema.graphql.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

func main() {
	if err := run("graph/schema/*.graphql", "schema.graphql"); err != nil {
		fmt.Fprintln(os.Stderr, "print schema:", err)
		os.Exit(1)
	}
}

func run(pattern, target string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("list %s: %w", pattern, err)
	}
	sort.Strings(paths)
	sources := make([]*ast.Source, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path) //nolint:gosec // paths of this repository
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		sources = append(sources, &ast.Source{Name: path, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	var out bytes.Buffer
	out.WriteString("# Code generated from graph/schema by go generate, DO NOT EDIT.\n\n")
	formatter.NewFormatter(&out, formatter.WithIndent("  ")).FormatSchema(schema)
	if err := os.WriteFile(target, out.Bytes(), 0o644); err != nil { //nolint:gosec // a public file
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
