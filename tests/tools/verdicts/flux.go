package main

import (
	"context"
	"fmt"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// evaluators are Flux's own, one per kind that a Kustomization has expressions for.
type evaluators map[schema.GroupKind]*cel.StatusEvaluator

func fluxEvaluators(checks []kustomize.CustomHealthCheck) (evaluators, error) {
	made := evaluators{}
	for _, check := range checks {
		evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
		if err != nil {
			return nil, fmt.Errorf("Flux: expressions of %s: %w", check.Kind, err)
		}
		made[schema.FromAPIVersionAndKind(check.APIVersion, check.Kind).GroupKind()] = evaluator
	}
	return made, nil
}

func (e evaluators) verdict(ctx context.Context, object *unstructured.Unstructured) (Verdict, error) {
	evaluator, known := e[object.GroupVersionKind().GroupKind()]
	if !known {
		return Verdict{}, fmt.Errorf("no expressions for %s", object.GetKind())
	}
	result, err := evaluator.Evaluate(ctx, object)
	if err != nil {
		return Verdict{}, err
	}
	return Verdict{Status: result.Status.String(), Message: result.Message}, nil
}
