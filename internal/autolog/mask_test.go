package autolog

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "apiKey", "GITHUB_TOKEN", "token", "DB_PASSWORD", "password", "--password",
		"client-secret", "SECRET", "MY_SECRET_VALUE", "PGPASSWORD", "hf_token", "passwd", "authToken", "--api-key", "accesskey",
		"AZURE_CREDENTIALS", "private_key",
	} {
		require.True(t, isSecretName(name), name)
	}
	for _, name := range []string{
		"tokenizer", "n_tokens", "max_tokens", "MONKEY", "key", "sort_key", "PATH", "n_estimators", "keyboard", "secretary_problem",
		"compass", "max_token", "pad_token", "hotkey",
	} {
		require.False(t, isSecretName(name), name)
	}
}

func TestMaskHidesSecretsWhereverTheyAppear(t *testing.T) {
	t.Parallel()
	m := newMasker([]string{
		"HOME=/home/me", "API_KEY=sk-live-123456", "SHORT_TOKEN=abc", "DATABASE_URL=postgres://u:hunter22@db/x",
		"PEM_PRIVATE_KEY=-----BEGIN-----\nMIIEvQIBADAN\n-----END-----", "SSH_KEY=/home/me/.ssh/id", "LONGER_SECRET=sk-live-123456-and-more",
	}, []string{"train.py", "--password", "swordfish", "--token=tok-98765", "--lr", "0.1"})
	for text, want := range map[string]string{
		"using sk-live-123456 now":                        "using *** now",
		"using sk-live-123456-and-more":                   "using ***",
		"abc is too short to be told from other text":     "abc is too short to be told from other text",
		"connect postgres://u:hunter22@db/x":              "connect postgres://u:***@db/x",
		"git+https://me:other-pass@host/repo is a secret": "git+https://me:***@host/repo is a secret",
		"MIIEvQIBADAN":            "***",
		"/home/me/.ssh/id":        "/home/me/.ssh/id",
		"swordfish and tok-98765": "*** and ***",
		"lr 0.1":                  "lr 0.1",
	} {
		require.Equal(t, want, m.text(text))
	}
	require.Equal(t, []string{"train.py", "--password", "***", "--token=***", "--lr", "0.1", "-p", "x"},
		m.argv([]string{"train.py", "--password", "pw", "--token=1", "--lr", "0.1", "-p", "x"}))
	require.Equal(t, []string{"--api-key", "--lr", "0.1"}, m.argv([]string{"--api-key", "--lr", "0.1"}))
	require.Equal(t, masked, m.value("api_key", "abc12345"))
	require.Equal(t, "None", m.value("secret", "None"), "says only that there is none")
	require.Equal(t, "0.1", m.value("lr", "0.1"))
}
