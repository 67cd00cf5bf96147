package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

// scriptLimit is what Argo CD gives a health script.
const scriptLimit = time.Second

// libraries are what Argo CD opens for a script from argocd-cm, in its order. It adds an os of which
// only dates are left, which scripts here do without.
var libraries = []struct {
	name string
	open lua.LGFunction
}{
	{lua.LoadLibName, lua.OpenPackage},
	{lua.BaseLibName, lua.OpenBase},
	{lua.TabLibName, lua.OpenTable},
}

// argoVerdict runs the health script of the object's kind as Argo CD does, in the same Lua.
func argoVerdict(object *unstructured.Unstructured, scripts map[string]string) (Verdict, error) {
	kind := object.GroupVersionKind()
	script, known := scripts[kind.Group+"_"+kind.Kind]
	if !known {
		return Verdict{}, fmt.Errorf("no health script for %s", kind.Kind)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	ctx, cancel := context.WithTimeout(context.Background(), scriptLimit)
	defer cancel()
	state.SetContext(ctx)
	for _, library := range libraries {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return Verdict{}, err
		}
	}
	encoded, err := json.Marshal(object.Object)
	if err != nil {
		return Verdict{}, err
	}
	value, err := luajson.Decode(state, encoded)
	if err != nil {
		return Verdict{}, err
	}
	state.SetGlobal("obj", value)
	if err := state.DoString(script); err != nil {
		return Verdict{}, err
	}
	return read(state.Get(-1))
}

func read(returned lua.LValue) (Verdict, error) {
	var verdict Verdict
	if returned.Type() != lua.LTTable {
		return verdict, fmt.Errorf("the script returned %s, no table", returned.Type())
	}
	encoded, err := luajson.Encode(returned)
	if err != nil {
		return verdict, err
	}
	return verdict, json.Unmarshal(encoded, &verdict)
}
