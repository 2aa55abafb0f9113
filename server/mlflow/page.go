package mlflow

import (
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/search"
)

// views are MLflow's names and numbers of which lifecycle stages a list shows.
var views = map[string]search.View{
	"ACTIVE_ONLY": search.Active, "1": search.Active,
	"DELETED_ONLY": search.Deleted, "2": search.Deleted,
	"ALL": search.All, "3": search.All,
}

func view(name, sent, parameter string) (search.View, error) {
	v, ok := views[name]
	if !ok {
		return "", invalidValue(sent, parameter, "it must be ACTIVE_ONLY, DELETED_ONLY or ALL")
	}
	return v, nil
}

// view reads a view by name or number.
func (r *reader) view(dst *search.View) error {
	name, sent, err := r.enum()
	if name == "" || err != nil {
		return err
	}
	*dst, err = view(name, sent, r.where())
	return err
}

// enum reads the name or the number of an enumeration's value; sent is as it was sent, for an error. Null gives "".
func (r *reader) enum() (name, sent string, err error) {
	start := r.pos
	if c := r.peek(); isDigit(c) || c == '-' {
		token, err := r.numberToken()
		return string(token), string(token), err
	}
	token, null, err := r.bytes()
	if null || err != nil {
		return "", "", err
	}
	return string(token), string(r.data[start:r.pos]), nil
}

// nextToken is the page token after a page: the cursor of its last item.
func nextToken(hasNext bool, cursors []string) string {
	if !hasNext || len(cursors) == 0 {
		return ""
	}
	return cursors[len(cursors)-1]
}

// names are the core's names of a search's parameters where MLflow has others.
var names = map[string]string{
	"after":       "page_token",
	"orderBy":     "order_by",
	"first":       "max_results",
	"experiments": "experiment_ids",
}

// pageError renames the parameters of the core's search: "orderBy[0]" to "order_by[0]".
func pageError(err error) error {
	return renamed(err, func(core string) string {
		name, index, indexed := strings.Cut(core, "[")
		if ours, ok := names[name]; ok {
			name = ours
		}
		if indexed {
			name += "[" + index
		}
		return name
	})
}

// historyToken and parseHistoryToken turn a reader's offset into a page token and back.
func historyToken(next int) string { return "h" + strconv.Itoa(next) }

func parseHistoryToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	if token[0] == 'h' {
		if n, err := strconv.Atoi(token[1:]); err == nil && n >= 0 && historyToken(n) == token {
			return n, nil
		}
	}
	return 0, invalidValue(strconv.Quote(token), "page_token", "it is not one that this call gave")
}
