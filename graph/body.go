package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cairnml/cairn/internal/errs"
)

const (
	typeJSON   = "application/json"
	typeResult = "application/graphql-response+json"
	typeEvents = "text/event-stream"
)

// readBody reads the operation that a POST asks for.
func readBody(r *http.Request) (*graphql.RawParams, *errs.Error) {
	began := graphql.Now()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, errs.Wrap(errs.Exhausted, tooLarge, "the body is larger than %s bytes, which is all that one may have: send it in parts",
				decimal(int(tooLarge.Limit)))
		}
		var told *errs.Error
		if errors.As(err, &told) {
			return nil, told
		}
		return nil, errs.Wrap(errs.Invalid, err, "the body could not be read to its end")
	}
	if begins(raw, '[') {
		return nil, errs.New(errs.Invalid, "the body is a list: send one operation a request, with a field for each thing you ask for")
	}
	params, told := decodeParams(raw)
	if told != nil {
		return nil, told
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: began, End: graphql.Now()}
	return params, nil
}

func begins(raw []byte, with byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == with
}

func decodeParams(raw []byte) (*graphql.RawParams, *errs.Error) {
	params := &graphql.RawParams{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(params); err != nil {
		return nil, errs.New(errs.Invalid, "the body is not a GraphQL request, {\"query\": text, \"variables\": {…}, \"operationName\": text}: %s",
			jsonFault(err))
	}
	end := decoder.InputOffset()
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Invalid, "the body goes on after its JSON object, which ends at byte %d", end)
	}
	return params, nil
}

// jsonFault says what is wrong with JSON and where, without Go's words for types.
func jsonFault(err error) string {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("at byte %d: %s", syntax.Offset, syntax.Error())
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Sprintf("%s: a %s is not allowed there", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return "it is a " + wrong.Value
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return "it is not JSON"
}

// readURL reads the operation that a GET asks for.
func readURL(r *http.Request) (*graphql.RawParams, *errs.Error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errs.New(errs.Invalid, "the query of the URL is not well formed")
	}
	params := &graphql.RawParams{Query: values.Get("query"), OperationName: values.Get("operationName"), Headers: r.Header}
	params.ReadTime.Start = graphql.Now()
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		text := values.Get(name)
		if text == "" {
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(into); err != nil {
			return nil, errs.Field(name, "is not a JSON object: %s", jsonFault(err))
		}
	}
	params.ReadTime.End = graphql.Now()
	return params, nil
}

func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == typeJSON
}

func accepts(r *http.Request, media string) bool {
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			if got, _, err := mime.ParseMediaType(strings.TrimSpace(part)); err == nil && got == media {
				return true
			}
		}
	}
	return false
}

// statuses are the HTTP statuses of requests that were not run, by the code of their first error.
var statuses = map[string]int{
	string(errs.Invalid):          http.StatusBadRequest,
	string(errs.Unauthenticated):  http.StatusUnauthorized,
	string(errs.PermissionDenied): http.StatusForbidden,
	string(errs.Exhausted):        http.StatusTooManyRequests,
	string(errs.Unavailable):      http.StatusServiceUnavailable,
	string(errs.Internal):         http.StatusInternalServerError,
	// Clients take this for a part of the dialogue, not for a failure.
	codePersistedQueryNotFound: http.StatusOK,
}

func statusOf(list gqlerror.List) int {
	if len(list) > 0 {
		if code, ok := list[0].Extensions["code"].(string); ok && statuses[code] != 0 {
			return statuses[code]
		}
	}
	return http.StatusBadRequest
}

// writeResponse writes a response as JSON. It returns false when it could not be written.
func writeResponse(w http.ResponseWriter, r *http.Request, status int, response *graphql.Response) bool {
	content := typeJSON
	if accepts(r, typeResult) && !accepts(r, typeJSON) {
		content = typeResult
	}
	w.Header().Set("Content-Type", content+"; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	body, err := encodeResponse(response)
	if err != nil {
		status, body = http.StatusInternalServerError, net.Buffers{[]byte(`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}`)}
	}
	w.WriteHeader(status)
	_, err = body.WriteTo(w)
	return err == nil
}

// encodeResponse writes a response as JSON, with the data as they are: they were marshalled already, and json.Marshal would
// check and copy megabytes of packed columns once more, which took half the time of such a request.
func encodeResponse(response *graphql.Response) (net.Buffers, error) {
	head := []byte(`{"data":`)
	if len(response.Errors) > 0 {
		list, err := json.Marshal(response.Errors)
		if err != nil {
			return nil, fmt.Errorf("encode the errors of a response: %w", err)
		}
		head = slices.Concat([]byte(`{"errors":`), list, []byte(`,"data":`))
	}
	rest := *response
	rest.Errors, rest.Data = nil, nil
	tail, err := json.Marshal(rest)
	if err != nil {
		return nil, fmt.Errorf("encode a response: %w", err)
	}
	data, null := []byte(response.Data), []byte("null")
	if len(data) == 0 {
		data = null
	}
	return net.Buffers{head, data, tail[len(`{"data":`)+len(null):]}, nil
}
