# How much of everything, and whom it tells.

variable "functions" {
  description = "What of a function's resources differs from the defaults, by its name (submit_docs, reconcile, ...)."
  type = map(object({
    memory        = optional(string)
    cpu           = optional(string)
    concurrency   = optional(number)
    min_instances = optional(number)
    max_instances = optional(number)
    timeout       = optional(number)
  }))
  default = {}
  validation {
    condition     = length(setsubtract(keys(var.functions), keys(local.defaults))) == 0
    error_message = "functions may name ${join(", ", keys(local.defaults))}."
  }
  validation {
    condition     = alltrue([for each in values(var.functions) : coalesce(each.timeout, 60) >= 60 && coalesce(each.timeout, 60) <= 3600])
    error_message = "functions.timeout must be 60 (a message is delivered again after it) to 3600 seconds."
  }
}

variable "api_server_requests" {
  description = "Most requests that all functions together may have in flight at the API server. Its own limit for writes is 200 by default (kube-apiserver --max-mutating-requests-inflight)."
  type        = number
  default     = 200
  validation {
    condition     = var.api_server_requests > 0
    error_message = "api_server_requests must be positive."
  }
}

variable "vpc" {
  description = "Network that the functions reach the cluster through, where its endpoint is a private address; null: none."
  type = object({
    network    = string
    subnetwork = string
  })
  default = null
}

variable "log_alerts" {
  description = "Also make the alert on the log-based metric. Cloud Monitoring refuses it (404) until ten minutes after the metric was made: false in the first apply, true in a later one."
  type        = bool
  default     = false
}

variable "notification_channels" {
  description = "Cloud Monitoring channels that alerts go to."
  type        = list(string)
  default     = []
}

variable "labels" {
  description = "Labels of everything that can have some."
  type        = map(string)
  default     = {}
}

variable "deletion_protection" {
  description = "Refuse to destroy the functions and the buckets' contents; ../../docs/operations.md says in which order an installation is taken down."
  type        = bool
  default     = true
}
