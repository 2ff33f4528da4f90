// Tests of what other tools make of the four kinds: Argo CD's health (config/argocd/health.lua, in Argo CD's own Lua machine) and kstatus, by which
// kubectl, Flux and Helm wait. The objects are what the operator leaves in the simulator (make generate).
package tools

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/yaml"
)

const folder = "../../../config/argocd"

// Health as the tests of Argo CD's own health checks write it, and kstatus beside it.
type expectations struct {
	Tests []struct {
		InputPath    string              `json:"inputPath"`
		HealthStatus health.HealthStatus `json:"healthStatus"`
		Kstatus      status.Status       `json:"kstatus"`
	} `json:"tests"`
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestEveryStateIsJudgedAsWritten(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(folder, "health.lua"))
	if err != nil {
		t.Fatal(err)
	}
	var expected expectations
	read(t, "health_test.yaml", &expected)
	judged := map[string]bool{}
	for _, test := range expected.Tests {
		judged[filepath.Base(test.InputPath)] = true
		t.Run(test.InputPath, func(t *testing.T) {
			var object unstructured.Unstructured
			read(t, test.InputPath, &object)
			told, err := (&lua.VM{}).ExecuteHealthLua(&object, string(script))
			if err != nil {
				t.Fatal(err)
			}
			if *told != test.HealthStatus {
				t.Errorf("Argo CD says %+v, expected %+v", *told, test.HealthStatus)
			}
			result, err := status.Compute(&object)
			if err != nil {
				t.Fatal(err)
			}
			if result.Status != test.Kstatus {
				t.Errorf("kstatus says %s (%s), expected %s", result.Status, result.Message, test.Kstatus)
			}
		})
	}
	states, err := os.ReadDir(filepath.Join(folder, "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		if !judged[state.Name()] {
			t.Errorf("nobody says how healthy testdata/%s is", state.Name())
		}
	}
}
