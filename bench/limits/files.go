package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// serveFiles gives the files of a folder, and stores what is PUT: copied, synced, renamed into its place.
func serveFiles(ctx context.Context, address, directory string) error {
	root, err := os.OpenRoot(directory)
	if err != nil {
		return err
	}
	defer root.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") })
	mux.Handle("GET /", http.FileServerFS(root.FS()))
	mux.HandleFunc("PUT /{name...}", func(w http.ResponseWriter, r *http.Request) {
		if err := storeFile(root, filepath.FromSlash(r.PathValue("name")), r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return serveMux(ctx, address, mux)
}

func storeFile(root *os.Root, name string, body io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	f, err := root.Create(name + ".part")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Rename(name+".part", name)
}
