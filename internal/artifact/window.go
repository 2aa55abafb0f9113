package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

const (
	// entriesRead is how many entries of a folder are read at a time.
	entriesRead = 1000
	// windowNames and windowBytes bound the names of a window, each of which takes nameBytes beside its own.
	windowNames = 100_000
	windowBytes = 4 << 20
	nameBytes   = 32
	// keptWindows is how many folders can be paged through at the same time without being read anew for each page.
	keptWindows = 4
)

// window are names of a folder in their order, from behind one on: all that there are, or as many as memory is given to. A folder
// gives its names in no order, so a page of them costs reading all; who pages through a large one reads it once for each window.
type window struct {
	// version is of the folder that had these names; empty where it may be changing.
	version string
	// from is the name behind which they begin.
	from  string
	names []string
	// more: there are others behind the last.
	more bool
}

// has tells whether a window has the names that are behind one, or the first of them.
func (w *window) has(after string) bool {
	return w.from <= after && (!w.more || after < w.names[len(w.names)-1])
}

func (w *window) behind(after string) []string {
	at, found := slices.BinarySearch(w.names, after)
	if found {
		at++
	}
	return w.names[at:]
}

// window gives the names of a folder that are behind one: at least so many where there are as many.
func (d *folder) window(ctx context.Context, within *os.Root, dir, after string, least int) (*window, error) {
	version := folderVersion(within)
	if kept, ok := d.windows.Get(dir); ok && version != "" && kept.version == version && kept.has(after) {
		return kept, ctx.Err() //nolint:wrapcheck // describe knows it
	}
	most := least
	if version != "" {
		most = max(least, windowNames)
	}
	w, err := readWindow(ctx, within, after, most, windowBytes)
	if err != nil {
		return nil, err
	}
	// A folder that changed while it was read may have names that were not seen.
	if w.version = folderVersion(within); w.version != version {
		w.version = ""
	}
	if w.version != "" && len(w.names) >= least {
		w.names = slices.Clone(w.names) // what was read had room for more
		d.windows.Add(dir, w)
	}
	return w, nil
}

// folderVersion names which entries a folder has; empty where that is not known, or may be changing right now.
func folderVersion(within *os.Root) string {
	stat, err := within.Stat(".")
	if err != nil {
		return ""
	}
	version, steady := versionOf(stat)
	if !steady {
		return ""
	}
	return version
}

// readWindow reads the first names of a folder behind one: at most most, and as many as fit into size. It holds no more than a few
// times that, however large the folder is.
func readWindow(ctx context.Context, within *os.Root, after string, most, size int) (*window, error) {
	w := &window{from: after}
	held := 0
	bound := ""
	cut := func() {
		slices.Sort(w.names)
		n := 0
		for held = 0; n < len(w.names) && n < most; n++ {
			if held += len(w.names[n]) + nameBytes; held > size && n > 0 {
				break
			}
		}
		if n < len(w.names) {
			clear(w.names[n:])
			w.names, w.more, bound = w.names[:n], true, w.names[n-1]
		}
	}
	err := eachPart(within, ".", func(names []string) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("list artifacts: %w", err)
		}
		for _, name := range names {
			if name > after && (!w.more || name < bound) {
				w.names = append(w.names, name)
				held += len(name) + nameBytes
			}
		}
		if len(w.names) >= 2*most+entriesRead || held >= 2*size {
			cut()
		}
		return nil
	})
	cut()
	return w, err
}

// eachPart gives the names in a folder, some at a time, in no order.
func eachPart(root *os.Root, dir string, fn func(names []string) error) (err error) {
	f, err := root.Open(filepath.FromSlash(dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for {
		names, err := f.Readdirnames(entriesRead)
		if len(names) == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := fn(names); err != nil {
			return err
		}
	}
}
