// Swagger UI, as the package brings it, over our own openapi.json.
SwaggerUIBundle({
  url: `${document.documentElement.dataset.at}/openapi.json`,
  dom_id: "#swagger",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
