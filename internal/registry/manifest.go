package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
)

const (
	// maxMLmodel bounds the file MLmodel: a signature of 10,000 columns takes half a megabyte.
	maxMLmodel = 8 << 20
	// maxRequirements bounds the file requirements.txt.
	maxRequirements = 256 << 10
)

// manifest is what the files of a model say of it. What is not there, or in a store of others, is left out; what cannot be
// understood is told in problem, and keeps no version from being registered.
type manifest struct{ signature, requirements, problem string }

// readManifest reads the manifest of a model at its location. A signature that the caller gives comes first.
func (s *Service) readManifest(ctx context.Context, src source, given string) (manifest, error) {
	var m manifest
	if given != "" {
		sig, err := ParseSignature([]byte(given))
		if err != nil {
			return manifest{}, errs.Field("signature", "%s", err.Error())
		}
		if m.signature, err = sig.canonical(); err != nil {
			return manifest{}, err
		}
	}
	root, err := artifact.Root(src.location)
	if err != nil {
		return m, nil //nolint:nilerr // it lies elsewhere, where only clients read
	}
	var problems []string
	description, err := s.readFile(ctx, root+"/MLmodel", maxMLmodel)
	if err != nil {
		return manifest{}, err
	}
	if description.problem != "" {
		problems = append(problems, description.problem)
	} else if given == "" && len(description.content) > 0 {
		signature, err := signatureOf(description.content)
		if err != nil {
			problems = append(problems, "MLmodel: "+err.Error())
		}
		m.signature = signature
	}
	requirements, err := s.readFile(ctx, root+"/requirements.txt", maxRequirements)
	if err != nil {
		return manifest{}, err
	}
	if requirements.problem != "" {
		problems = append(problems, requirements.problem)
	}
	m.requirements, m.problem = string(requirements.content), strings.Join(problems, "; ")
	return m, nil
}

// readText is a file that was read, and why it was not used.
type readText struct {
	content []byte
	problem string
}

// readFile reads a text file of the store; it is empty when there is none.
func (s *Service) readFile(ctx context.Context, path string, limit int64) (out readText, err error) {
	file, _, err := s.files.Open(ctx, path)
	if errs.Is(err, errs.NotFound) {
		return readText{}, nil
	}
	if err != nil {
		return readText{}, fmt.Errorf("open a file of the model: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	name := path[strings.LastIndexByte(path, '/')+1:]
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return readText{}, fmt.Errorf("read a file of the model: %w", err)
	case int64(len(content)) > limit:
		return readText{problem: fmt.Sprintf("%s is larger than %d bytes, and was not read", name, limit)}, nil
	case !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0:
		return readText{problem: name + " is no text"}, nil
	}
	return readText{content: content}, nil
}

// signatureOf gives the signature in a file MLmodel, in its one form; empty when it has none.
func signatureOf(description []byte) (string, error) {
	var model struct {
		Signature *rawSignature `yaml:"signature"`
	}
	if err := yaml.Unmarshal(description, &model); err != nil {
		return "", fmt.Errorf("is not understood: %w", err)
	}
	if model.Signature == nil {
		return "", nil
	}
	sig, err := model.Signature.parse()
	if err != nil {
		return "", err
	}
	return sig.canonical()
}
