// Package python carries the Python side of autologging: the bootstrap that `cairn exec` puts in front of a training's
// modules. Its source is that of the pip package cairn-tracking.
package python

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// The patterns name files one by one kind: a directory would bring bytecode along and leave out names that begin with
// an underscore.
//
//go:embed cairn/_bootstrap/*.py cairn/_bootstrap/_cairn_bootstrap/*.py
var sources embed.FS

const root = "cairn/_bootstrap"

// Bootstrap is the tree that PYTHONPATH must lead to: sitecustomize.py and the package _cairn_bootstrap.
func Bootstrap() (fs.FS, error) {
	tree, err := fs.Sub(sources, root)
	if err != nil {
		return nil, fmt.Errorf("find the embedded bootstrap: %w", err)
	}
	return tree, nil
}

// BootstrapDigest is the SHA-256 of the tree's names and contents, 64 hexadecimal digits. It names a cached copy.
var BootstrapDigest = sync.OnceValue(func() string {
	hash := sha256.New()
	err := walk(func(name string, content []byte) error {
		fmt.Fprintf(hash, "%s\x00%d\x00", name, len(content))
		hash.Write(content)
		return nil
	})
	if err != nil {
		// Embedded files can be read. Were it otherwise, WriteBootstrap says so; the digest only has to differ.
		fmt.Fprintf(hash, "\x00%v", err)
	}
	return hex.EncodeToString(hash.Sum(nil))
})

// WriteBootstrap writes the tree into dir, which it makes; only its owner can read it. Files that are there already with
// the right content are left alone, so that Python's bytecode beside them stays valid.
func WriteBootstrap(dir string) error {
	return walk(func(name string, content []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("write the bootstrap: %w", err)
		}
		if present, err := os.ReadFile(path); err == nil && string(present) == string(content) { //nolint:gosec // names are embedded
			return nil
		}
		// Written beside and moved: another exec may be reading at this moment.
		temporary, err := os.CreateTemp(filepath.Dir(path), ".new-*")
		if err != nil {
			return fmt.Errorf("write the bootstrap: %w", err)
		}
		_, err = temporary.Write(content)
		if closing := temporary.Close(); err == nil {
			err = closing
		}
		if err == nil {
			err = os.Rename(temporary.Name(), path)
		}
		if err != nil {
			_ = os.Remove(temporary.Name())
			return fmt.Errorf("write the bootstrap: %w", err)
		}
		return nil
	})
}

func walk(visit func(name string, content []byte) error) error {
	tree, err := Bootstrap()
	if err != nil {
		return err
	}
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return fmt.Errorf("read the embedded %s: %w", name, err)
		}
		return visit(name, content)
	})
}
