// Verdicts tells what GitOps controllers think of objects: kubectl and others by kstatus, Argo CD by
// its health scripts, Flux by its health expressions.
//
// It reads one JSON document from stdin: the objects, the scripts and the expressions. It writes one
// JSON list with a verdict per object and controller, in the order of the objects.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/pkg/apis/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Question is what comes in.
type Question struct {
	Objects []json.RawMessage `json:"objects"`
	// Argo has a health script per group/kind.
	Argo map[string]string `json:"argo"`
	// Flux has a Kustomization's spec.healthCheckExprs.
	Flux []kustomize.CustomHealthCheck `json:"flux"`
}

// Verdict is what one controller thinks of one object.
type Verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// Verdicts are all controllers' on one object.
type Verdicts struct {
	Kstatus Verdict `json:"kstatus"`
	Argo    Verdict `json:"argo"`
	Flux    Verdict `json:"flux"`
}

func main() {
	if err := answer(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer(in io.Reader, out io.Writer) error {
	var question Question
	if err := json.NewDecoder(in).Decode(&question); err != nil {
		return fmt.Errorf("question: %w", err)
	}
	flux, err := fluxEvaluators(question.Flux)
	if err != nil {
		return err
	}
	answers := make([]Verdicts, len(question.Objects))
	for i, raw := range question.Objects {
		// Its own decoder makes integers int64, as the API machinery does; encoding/json makes floats.
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(raw); err != nil {
			return fmt.Errorf("object %d: %w", i, err)
		}
		if answers[i], err = judge(&object, question.Argo, flux); err != nil {
			return fmt.Errorf("object %d, %s %s: %w", i, object.GetKind(), object.GetName(), err)
		}
	}
	return json.NewEncoder(out).Encode(answers)
}

func judge(object *unstructured.Unstructured, scripts map[string]string, flux evaluators) (Verdicts, error) {
	var (
		verdicts Verdicts
		err      error
	)
	if verdicts.Kstatus, err = kstatusVerdict(object); err != nil {
		return verdicts, fmt.Errorf("kstatus: %w", err)
	}
	if verdicts.Argo, err = argoVerdict(object, scripts); err != nil {
		return verdicts, fmt.Errorf("Argo CD: %w", err)
	}
	if verdicts.Flux, err = flux.verdict(context.Background(), object); err != nil {
		return verdicts, fmt.Errorf("Flux: %w", err)
	}
	return verdicts, nil
}
