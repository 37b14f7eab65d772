package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// withContract refuses requests that do not match the OpenAPI document, including unknown query parameters.
func withContract(
	spec []byte, refuse func(http.ResponseWriter, *http.Request, error),
) (func(http.Handler) http.Handler, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, fmt.Errorf("api/openapi.yaml: %w", err)
	}
	doc.Security = nil // the gate has checked the credential before
	for _, path := range doc.Paths.Map() {
		for _, operation := range path.Operations() {
			operation.Security = nil
		}
	}
	doc.Servers = nil // they would be matched against Host, which the guard checks
	// For 3.1 the validator compiles the whole document for each request, which takes 2 ms and 0.9 MB. Requests use
	// only features that 3.0 has too; tests check answers against the document as it is.
	doc.OpenAPI = "3.0.3"
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("api/openapi.yaml: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := fits(router, r); err != nil {
				refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

func fits(router routers.Router, r *http.Request) error {
	if r.Method == http.MethodHead { // answered as GET
		get := *r
		get.Method = http.MethodGet
		r = &get
	}
	route, path, err := router.FindRoute(r)
	if err != nil {
		return swarm.Errorf(swarm.CodeNotFound, "no such path; GET /openapi.yaml lists all paths")
	}
	if err := knownParameters(route.Operation, r); err != nil {
		return err
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: path, Route: route,
	})
	if err == nil {
		return nil
	}
	return misfit(r, err)
}

// knownParameters refuses query parameters that the operation does not have: a misspelt filter must not select
// everything.
func knownParameters(op *openapi3.Operation, r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // r.URL.Query would silently drop what it cannot read
		return &swarm.Error{
			Code: swarm.CodeBadRequest, Detail: "the query is not of the form name=value&name=value, with %-escapes",
			Cause: err,
		}
	}
	for name, values := range query {
		if p := op.Parameters.GetByInAndName("query", name); p != nil {
			if len(values) > 1 && !p.Schema.Value.Type.Is("array") {
				return swarm.Errorf(swarm.CodeBadRequest,
					fmt.Sprintf("the query parameter %q is given more than once", name))
			}
			continue
		}
		var known []string
		for _, p := range op.Parameters {
			if p.Value.In == "query" {
				known = append(known, p.Value.Name)
			}
		}
		cure := "this route has none"
		if len(known) > 0 {
			cure = "this route has " + strings.Join(known, ", ")
		}
		return swarm.Errorf(swarm.CodeBadRequest, fmt.Sprintf("the query parameter %q is unknown; %s", name, cure))
	}
	return nil
}

// misfit describes the validator's finding in this server's own words.
func misfit(r *http.Request, err error) error {
	request, ok := errors.AsType[*openapi3filter.RequestError](err)
	if !ok {
		return &swarm.Error{
			Code: swarm.CodeBadRequest, Detail: "the request does not match GET /openapi.yaml", Cause: err,
		}
	}
	reason, pointer := request.Reason, ""
	if schema, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		reason = schema.Reason
		for _, part := range schema.JSONPointer() {
			pointer += "/" + part
		}
	}
	if request.Parameter == nil {
		return bodyMisfit(r, swarm.FieldError{Pointer: pointer, Detail: reason})
	}
	p := request.Parameter
	if reason == "" && request.Err != nil {
		reason = request.Err.Error()
	}
	return &swarm.Error{
		Code: swarm.CodeBadRequest, Detail: fmt.Sprintf("the %s parameter %q is wrong: %s", p.In, p.Name, reason),
		Cause: err,
	}
}

// bodyMisfit lets the domain types describe what is wrong with a body: they know the pointer and how to correct it.
func bodyMisfit(r *http.Request, found swarm.FieldError) error {
	var body api.CommandRequest
	if json.NewDecoder(r.Body).Decode(&body) == nil { // the validator has put the body back
		if s, err := submissionOf(&body, swarm.MinDeadline); err == nil {
			if err := s.Validate(); err != nil {
				return err
			}
		}
	}
	return invalid(found)
}
