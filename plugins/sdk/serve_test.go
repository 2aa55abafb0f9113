package sdk

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/cairnml/cairn/plugins/sdk/grpcplugin"
	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

type scripted struct{ info SessionInfo }

func (*scripted) Describe() Description {
	return Description{Name: "scripted", Version: "1.0.0", Modules: []string{"m"}, Hook: []byte("x = 1")}
}
func (s *scripted) NewSession(info SessionInfo) Session { s.info = info; return &scriptedSession{} }

type scriptedSession struct{ seen int }

func (s *scriptedSession) Observe(o Observation) ([]Record, error) {
	s.seen++
	switch o.Kind {
	case "panic":
		panic("a fault of the adapter's")
	case "error":
		return []Record{Param{Key: "kept", Value: "1"}}, errors.New("half of it was unreadable")
	case "all":
		return []Record{
			Metric{Key: "loss", Value: math.NaN(), Step: 3}, Tag{Key: "t", Value: "v"}, Dataset{Name: "d", Digest: "x"},
			File{Path: "a.txt", Data: []byte("a")}, ChildRun{Run: "c1", Name: "child"}, ChildEnd{Run: "c1", Status: Finished},
			Model{Name: "model", Files: []File{{Path: "model.pkl", Source: "/f/m"}}}, Warning{Message: "w"},
		}, nil
	}
	return nil, nil
}

func (s *scriptedSession) Close() ([]Record, error) {
	return []Record{Metric{Key: "seen", Value: float64(s.seen)}}, nil
}

func dial(t *testing.T, adapter Adapter) autologv1.AdapterClient {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpcplugin.NewServer(nil)
	autologv1.RegisterAdapterServer(server, &service{adapter: adapter})
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); require.NoError(t, <-done) })
	conn, err := grpc.NewClient("passthrough:///adapter", append(grpcplugin.DialOptions(),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return autologv1.NewAdapterClient(conn)
}

func TestSessionAnswersEveryObservationOnce(t *testing.T) {
	t.Parallel()
	adapter := &scripted{}
	stream, err := dial(t, adapter).Session(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&autologv1.SessionRequest{What: &autologv1.SessionRequest_Start{
		Start: &autologv1.SessionStart{PythonVersion: "3.12.1", FilesDir: "/f"}}}))
	for i, kind := range []string{"nothing", "panic", "error", "all"} {
		require.NoError(t, stream.Send(&autologv1.SessionRequest{What: &autologv1.SessionRequest_Observation{
			Observation: &autologv1.Observation{Sequence: uint64(i + 1), Kind: kind, TimeMs: 1700000000000}}}))
	}
	require.NoError(t, stream.CloseSend())
	var sets []*autologv1.RecordSet
	for {
		set, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		sets = append(sets, set)
	}
	require.Len(t, sets, 5)
	require.Empty(t, sets[0].GetRecords())
	require.Contains(t, sets[1].GetRecords()[0].GetWarning().GetMessage(), "a fault of the adapter's")
	require.Equal(t, "kept", sets[2].GetRecords()[0].GetParam().GetKey())
	require.Equal(t, "half of it was unreadable", sets[2].GetRecords()[1].GetWarning().GetMessage())
	require.Len(t, sets[3].GetRecords(), 8)
	require.True(t, math.IsNaN(sets[3].GetRecords()[0].GetMetric().GetValue()))
	require.EqualValues(t, 1700000000000, sets[3].GetRecords()[0].GetMetric().GetTimeMs(), "a missing time is the observation's")
	require.Equal(t, "c1", sets[3].GetRecords()[4].GetChildRun().GetRef())
	require.Zero(t, sets[4].GetSequence())
	require.Equal(t, 4.0, sets[4].GetRecords()[0].GetMetric().GetValue())
	require.Equal(t, "3.12.1", adapter.info.PythonVersion)
}

func TestSessionMustBeginWithItsStart(t *testing.T) {
	t.Parallel()
	stream, err := dial(t, &scripted{}).Session(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&autologv1.SessionRequest{}))
	_, err = stream.Recv()
	require.ErrorContains(t, err, "SessionStart")
}

func TestFloatReadsWhatJSONCannotSay(t *testing.T) {
	t.Parallel()
	o := Observation{Kind: "k", Payload: []byte(`{"v":["NaN","Infinity","-Infinity",0.1]}`), Time: time.Now()}
	var payload struct {
		V []Float `json:"v"`
	}
	require.NoError(t, o.Decode(&payload))
	require.True(t, math.IsNaN(float64(payload.V[0])))
	require.True(t, math.IsInf(float64(payload.V[1]), 1))
	require.True(t, math.IsInf(float64(payload.V[2]), -1))
	require.InDelta(t, 0.1, float64(payload.V[3]), 0)
	o.Payload = []byte(`{"v":["abc"]}`)
	require.ErrorContains(t, o.Decode(&payload), "payload of k")
}

// packageOf is a hook of several files, as //go:embed hook/*.py makes it.
func packageOf(modules map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, source := range modules {
		files["hook/"+name+".py"] = &fstest.MapFile{Data: []byte(source)}
	}
	return files
}

type packaged struct{ scripted }

func (*packaged) Describe() Description {
	return Description{Name: "packaged", Version: "1.0.0", Modules: []string{"m"},
		HookFiles: packageOf(map[string]string{"__init__": "from . import a", "a": "x = 1", "b": ""})}
}

func TestHookOfSeveralFilesIsDescribed(t *testing.T) {
	t.Parallel()
	require.NoError(t, (&packaged{}).Describe().Validate())
	answer, err := dial(t, &packaged{}).Describe(t.Context(), &autologv1.DescribeRequest{})
	require.NoError(t, err)
	require.Equal(t, "from . import a", string(answer.GetHook()))
	require.Equal(t, map[string][]byte{"a": []byte("x = 1"), "b": {}}, answer.GetHookModules())
	answer, err = dial(t, &scripted{}).Describe(t.Context(), &autologv1.DescribeRequest{})
	require.NoError(t, err)
	require.Equal(t, "x = 1", string(answer.GetHook()))
	require.Empty(t, answer.GetHookModules())
}

func TestDescriptionIsValidated(t *testing.T) {
	t.Parallel()
	good := (&scripted{}).Describe()
	require.NoError(t, good.Validate())
	for name, broken := range map[string]func(*Description){
		"name": func(d *Description) { d.Name = "../x" }, "version": func(d *Description) { d.Version = "" },
		"module": func(d *Description) { d.Modules = nil }, "hook": func(d *Description) { d.Hook = nil },
		"has a hook twice": func(d *Description) { d.HookFiles = packageOf(map[string]string{"__init__": "x = 1"}) },
		"0 __init__.py":    func(d *Description) { d.Hook, d.HookFiles = nil, packageOf(map[string]string{"a": "x = 1"}) },
		"2 __init__.py": func(d *Description) {
			d.Hook, d.HookFiles = nil, packageOf(map[string]string{"__init__": "x = 1", "below/__init__": "x = 1"})
		},
		"is empty": func(d *Description) { d.Hook, d.HookFiles = nil, packageOf(map[string]string{"__init__": ""}) },
		"not named as a module": func(d *Description) {
			d.Hook, d.HookFiles = nil, packageOf(map[string]string{"__init__": "x = 1", "a-b": "x = 1"})
		},
		"more than 1048576 bytes": func(d *Description) {
			d.Hook, d.HookFiles = nil, packageOf(map[string]string{"__init__": "x = 1", "a": strings.Repeat(" ", 1<<20)})
		},
		"at most 1048576": func(d *Description) { d.Hook = make([]byte, 1<<20+1) },
	} {
		description := good
		broken(&description)
		require.ErrorContains(t, description.Validate(), name)
	}
}
