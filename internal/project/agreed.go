package project

import (
	"fmt"
	"os"
	"path/filepath"
)

// Agreed tells whether the user has agreed to run code of this source on this machine. A directory is the user's own.
func (p *Plan) Agreed() bool {
	if !p.Source.Remote {
		return true
	}
	_, err := os.Stat(p.agreement())
	return err == nil
}

// Agree remembers that the user has.
func (p *Plan) Agree() error {
	if err := os.MkdirAll(filepath.Dir(p.agreement()), 0o700); err != nil {
		return fmt.Errorf("remember the project: %w", err)
	}
	if err := os.WriteFile(p.agreement(), []byte(Stripped(p.Source.Location)+"\n"), 0o600); err != nil {
		return fmt.Errorf("remember the project: %w", err)
	}
	return nil
}

func (p *Plan) agreement() string {
	return filepath.Join(p.Options.Cache, "projects", p.Source.key()+".agreed")
}
