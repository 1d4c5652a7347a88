output "functions" {
  description = "URL of each function, by its name."
  value       = { for name, each in google_cloud_run_v2_service.function : name => each.uri }
}

output "webhook_url" {
  description = "What to enter at GitHub as the App's webhook URL; null without GitHub."
  value       = try(google_cloud_run_v2_service.function["github_webhook"].uri, null)
}

output "images" {
  description = "Artifact Registry repository to push the images orchestrator and agent of infra/images to."
  value       = local.images
}

output "lifecycle_topic" {
  description = "Topic of lifecycle events, for anyone to subscribe to."
  value       = google_pubsub_topic.this["lifecycle"].id
}

output "queue_settings" {
  description = "Section queues of the settings with which `orchestrator queues` finds this installation."
  value       = { project = var.project_id, prefix = var.prefix }
}

output "kubernetes_rights" {
  description = "For ../kubernetes/gke/rights.yaml: binds the functions' identity to its Role, by e-mail and by number (the API server sees either, depending on the token's scopes)."
  value = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = { name = "orchestrator-functions", namespace = var.cluster.namespace }
    subjects = [
      for name in [google_service_account.functions.email, google_service_account.functions.unique_id] :
      { kind = "User", apiGroup = "rbac.authorization.k8s.io", name = name }
    ]
  })
}

output "kubernetes_image" {
  description = "For ../kubernetes/gke/image/kustomization.yaml: the bridge runs from the same image as the functions."
  value = yamlencode({
    apiVersion = "kustomize.config.k8s.io/v1alpha1"
    kind       = "Component"
    images     = [{ name = "orchestrator", newName = split("@", coalesce(var.image, "unset@unset"))[0], digest = split("@", coalesce(var.image, "unset@unset"))[1] }]
  })
}

output "kubernetes_settings" {
  description = "For ../kubernetes/gke/settings.yaml: the settings of the bridge."
  value = yamlencode({
    namespace = var.cluster.namespace
    agent     = var.agent
    broker    = local.broker
    queues    = { project = var.project_id, prefix = var.prefix }
  })
}

output "console_environment" {
  description = "Environment of the console as a service of its own behind Identity-Aware Proxy, for --env-vars-file of gcloud (docs/console.md)."
  value = yamlencode(merge(local.environment, {
    FUNCTION_TARGET = "console"
    THREADS         = "16"
    ORCHESTRATOR_CONSOLE = jsonencode(merge(try(var.settings.console, {}), {
      identity = "iap"
      audience = "/projects/${data.google_project.this.number}/locations/${var.region}/services/${var.prefix}console"
    }))
  }))
}

output "deployed" {
  description = "What runs: the image, by its digest, and the set of templates, named by its contents."
  value       = { image = var.image, templates = local.templates }
}
