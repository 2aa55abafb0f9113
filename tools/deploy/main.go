// Command deploy checks the files of deploy/ as those will who use them: Helm, Kubernetes' own types, Compose and systemd read
// them, and the server is started as they say.
//
//	go run . CHECKOUT CAIRN     the checkout, and the program built from it
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

const (
	secret     = "cairn_0123456789012345678901234567890123456789"
	kubernetes = "1.31.0" // that the chart is rendered for
	// exposure is the most that systemd-analyze may find a service to be exposed, in tenths: "OK" begins below 50.
	exposure = "30"
	started  = 30 * time.Second
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: deploy CHECKOUT CAIRN")
		os.Exit(2)
	}
	c := checks{root: os.Args[1], cairn: os.Args[2]}
	for _, check := range []struct {
		name string
		run  func(context.Context) error
	}{{"Helm chart", c.chart}, {"compose.yaml", c.compose}, {"cairn.service", c.unit}} {
		if err := check.run(context.Background()); err != nil {
			fmt.Fprintf(os.Stderr, "deploy: %s: %v\n", check.name, err)
			os.Exit(1)
		}
		fmt.Println("deploy:", check.name, "is sound")
	}
}

type checks struct{ root, cairn string }

func run(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// values are ways to install the chart; each must be rendered into what Kubernetes knows, and those that say why must be refused.
var values = []struct {
	set     []string
	refused string
}{
	{set: []string{"replicas=1"}},
	{set: []string{"database.url=postgres://u:p@h/cairn"}},
	{set: []string{"database.existingSecret=db", "existingAdminTokenSecret=admin", "artifacts=s3://bucket/cairn", "nats=nats://nats:4222", "replicas=3",
		"ingress.enabled=true", "ingress.host=cairn.example.org", "ingress.className=nginx", "allowedHosts={cairn,other}", "env.CAIRN_SLOW_QUERY=500ms",
		"envFrom[0].secretRef.name=bucket", "serviceMonitor.enabled=true", "serviceMonitor.tokenSecret=reader", "persistence.storageClass=fast"}},
	{set: nil, refused: "more than one server needs PostgreSQL"},
	{set: []string{"replicas=1", "adminToken=password"}, refused: "adminToken"},
	{set: []string{"replicas=1", "replica=2"}, refused: "replica"},
	{set: []string{"replicas=1", "ingress.enabled=true"}, refused: "ingress.host"},
}

func (c *checks) chart(ctx context.Context) error {
	chart := filepath.Join(c.root, "deploy/helm/cairn")
	for _, v := range values {
		args := []string{"tool", "helm", "template", "cairn", chart, "--namespace", "ml", "--kube-version", kubernetes}
		for _, set := range v.set {
			args = append(args, "--set", set)
		}
		out, err := run(ctx, "go", args...)
		if v.refused != "" {
			if err == nil || !strings.Contains(err.Error(), v.refused) {
				return fmt.Errorf("with %q it should be refused with %q: %w", v.set, v.refused, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		lint := append([]string{"tool", "helm", "lint", "--strict"}, slices.Concat(args[4:5], args[9:])...)
		if _, err := run(ctx, "go", lint...); err != nil {
			return err
		}
		deployment, err := decode(out)
		if err != nil {
			return fmt.Errorf("with %q: %w", v.set, err)
		}
		if slices.Equal(v.set, []string{"replicas=1"}) {
			container := deployment.Spec.Template.Spec.Containers[0]
			if err := c.start(ctx, container.Args, plain(container.Env)); err != nil {
				return fmt.Errorf("as the pod is started: %w", err)
			}
		}
	}
	return nil
}

func plain(env []corev1.EnvVar) (out []string) {
	for _, e := range env {
		if e.ValueFrom == nil {
			out = append(out, e.Name+"="+e.Value)
		}
	}
	return out
}

// decode reads manifests strictly: a field that Kubernetes does not know is an error, where it would be dropped in silence.
func decode(manifests string) (found *appsv1.Deployment, err error) {
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(manifests)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read manifests: %w", err)
		}
		if len(bytes.TrimSpace(document)) == 0 || bytes.Contains(document, []byte("kind: ServiceMonitor")) { // the operator's own type
			continue
		}
		object, _, err := strict.Decode(document, nil, nil)
		if runtime.IsMissingKind(err) {
			continue // comments alone
		}
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, document)
		}
		if d, ok := object.(*appsv1.Deployment); ok {
			found = d
		}
	}
	if found == nil {
		return nil, errors.New("there is no Deployment")
	}
	return found, nil
}

func (c *checks) compose(ctx context.Context) error {
	path := filepath.Join(c.root, "deploy/compose.yaml")
	without, err := cli.NewProjectOptions([]string{path}, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if _, err := without.LoadProject(ctx); err == nil || !strings.Contains(err.Error(), "see the head of compose.yaml") {
		return fmt.Errorf("without a password it should be refused: %w", err)
	}
	options, err := cli.NewProjectOptions([]string{path}, cli.WithProfiles([]string{"*"}), cli.WithEnv([]string{"POSTGRES_PASSWORD=x"}))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	for name, service := range project.Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				return fmt.Errorf("%s is reached from other machines at %s: say 127.0.0.1", name, port.Published)
			}
		}
	}
	env := []string{}
	for name, value := range project.Services["cairn"].Environment {
		if value != nil && name != "CAIRN_DATABASE" { // a PostgreSQL of a Compose network
			env = append(env, name+"="+*value)
		}
	}
	args, err := c.imageCommand()
	if err != nil {
		return err
	}
	return c.start(ctx, args, env)
}

// imageCommand is what the image runs when nobody says otherwise.
func (c *checks) imageCommand() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(c.root, "deploy/Dockerfile"))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	command := regexp.MustCompile(`(?m)^CMD \[(.*)\]$`).FindSubmatch(text)
	if command == nil {
		return nil, errors.New("the Dockerfile has no CMD")
	}
	return strings.Split(strings.ReplaceAll(string(command[1]), `"`, ""), ", "), nil
}

func (c *checks) unit(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(c.root, "deploy/cairn.service"))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		return fmt.Errorf("%w: apt-get install -y systemd", err)
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	// systemd looks whether the program is there.
	path := filepath.Join(dir, "cairn.service")
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("/usr/local/bin/cairn"), []byte(c.cairn)), 0o600); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if out, err := run(ctx, "systemd-analyze", "verify", "--man=no", path); err != nil || strings.Contains(out, "cairn.service") {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if _, err := run(ctx, "systemd-analyze", "security", "--offline=true", "--threshold="+exposure, path); err != nil {
		return err
	}
	command := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/cairn (.*)$`).FindSubmatch(text)
	if command == nil {
		return errors.New("there is no ExecStart of /usr/local/bin/cairn")
	}
	return c.start(ctx, strings.Fields(strings.ReplaceAll(string(command[1]), "%S", "/state")), nil)
}

var address = regexp.MustCompile(`msg="Cairn is serving" url=(\S+)`)

// start runs the server as a file of deploy/ says, with its folders below one of ours and at a free port, until it is ready.
func (c *checks) start(ctx context.Context, args, env []string) error {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, folder := range []string{"data", "volume", "artifacts", "secrets", "run/secrets", "state"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, folder, "admin-token"), []byte(secret+"\n"), 0o600); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	ours := strings.NewReplacer("/data", dir+"/data", "/volume", dir+"/volume", "/artifacts", dir+"/artifacts", "/run/secrets", dir+"/run/secrets",
		"/secrets", dir+"/secrets", "/state", dir+"/state", "$(POD_IP)", "10.0.0.1", ":5000", ":0")
	ctx, cancel := context.WithTimeout(ctx, started)
	defer cancel()
	server := exec.CommandContext(ctx, c.cairn)
	server.Dir = dir
	for _, arg := range args {
		server.Args = append(server.Args, ours.Replace(arg))
	}
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--listen") }) {
		server.Args = append(server.Args, "--listen=127.0.0.1:0")
	}
	for _, e := range env {
		server.Env = append(server.Env, ours.Replace(e))
	}
	log, err := server.StderrPipe()
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	}()
	var said []string
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said = append(said, lines.Text())
		if at := address.FindStringSubmatch(lines.Text()); at != nil {
			return ready(ctx, at[1])
		}
	}
	return fmt.Errorf("%s does not serve:\n%s", strings.Join(server.Args, " "), strings.Join(said, "\n"))
}

func ready(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/ready", nil)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/ready answers %s", answer.Status)
	}
	return nil
}
