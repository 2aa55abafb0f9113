package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// table prints rows in columns for a person.
type table struct {
	head  []string
	right []bool
	rows  [][]string
}

// newTable takes the head of each column; a leading ">" sets its cells to the right, as numbers stand.
func newTable(head ...string) *table {
	t := &table{right: make([]bool, len(head))}
	for i, h := range head {
		t.right[i] = strings.HasPrefix(h, ">")
		t.head = append(t.head, printable(strings.TrimPrefix(h, ">")))
	}
	return t
}

func (t *table) add(cells ...string) {
	row := make([]string, len(t.head))
	for i := range row {
		if i < len(cells) {
			row[i] = printable(cells[i])
		}
	}
	t.rows = append(t.rows, row)
}

func (t *table) write(out io.Writer) error {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-columns(cell))
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return put(out, b.String())
}

// columns is how many columns of a terminal a text takes.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			if !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
				n++
			}
		}
	}
	return n
}

// printable keeps what others named from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func put(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func putJSON(out io.Writer, value any) error { return encodeJSON(out, value, "  ") }

// putJSONLine is putJSON for one of a stream of values.
func putJSONLine(out io.Writer, value any) error { return encodeJSON(out, value, "") }

func encodeJSON(out io.Writer, value any, indent string) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

func showTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func showTimeOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return showTime(*t)
}

// showTook is how long something that may still go on took.
func showTook(start time.Time, end *time.Time) string {
	if end == nil {
		return "…"
	}
	took := end.Sub(start)
	switch {
	case took < 10*time.Second:
		return took.Round(time.Millisecond).String()
	case took < time.Hour:
		return took.Round(time.Second).String()
	}
	return took.Round(time.Minute).String()
}

func showSize(bytes int64) string {
	const unit = 1024
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	value, prefix := float64(bytes), ""
	for _, prefix = range []string{"Ki", "Mi", "Gi", "Ti", "Pi"} {
		value /= unit
		if value < unit {
			break
		}
	}
	return fmt.Sprintf("%.1f %sB", value, prefix)
}
