# Topics and push subscriptions, each with its dead letters (functions/queues/topology.py says what is connected to what).

resource "google_pubsub_topic" "this" {
  # checkov:skip=CKV_GCP_83:Google's own encryption keys; name a key of yours in a copy where you must
  for_each   = local.topics
  name       = "${var.prefix}${each.value}"
  labels     = local.labels
  depends_on = [google_project_service.used]
}

resource "google_pubsub_topic" "dead" {
  # checkov:skip=CKV_GCP_83:Google's own encryption keys; name a key of yours in a copy where you must
  for_each   = local.topics
  name       = "${var.prefix}${each.value}-dead"
  labels     = local.labels
  depends_on = [google_project_service.used]
}

# Without a subscription Pub/Sub would lose them. `orchestrator queues dead` reads it.
resource "google_pubsub_subscription" "dead" {
  for_each                   = local.topics
  name                       = google_pubsub_topic.dead[each.value].name
  topic                      = google_pubsub_topic.dead[each.value].id
  ack_deadline_seconds       = local.ack_deadline
  message_retention_duration = "604800s" # 7 days; tombstones of deleted runs are kept as long
  labels                     = local.labels
  expiration_policy {
    ttl = "" # never
  }
}

resource "google_pubsub_subscription" "push" {
  for_each                   = local.fed_by
  name                       = "${var.prefix}${each.value}-${replace(each.key, "_", "-")}"
  topic                      = google_pubsub_topic.this[each.value].id
  ack_deadline_seconds       = local.ack_deadline
  message_retention_duration = "604800s"
  labels                     = local.labels

  push_config {
    push_endpoint = google_cloud_run_v2_service.function[each.key].uri
    no_wrapper {
      write_metadata = true # a message arrives as the CloudEvent it is, and is known to come from the queue
    }
    oidc_token {
      service_account_email = google_service_account.pusher.email
      audience              = google_cloud_run_v2_service.function[each.key].uri
    }
  }
  retry_policy {
    minimum_backoff = local.backoff.minimum
    maximum_backoff = local.backoff.maximum
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.value].id
    max_delivery_attempts = lookup(local.attempts_of, each.key, local.attempts)
  }
  expiration_policy {
    ttl = "" # never: by default one without traffic is deleted after 31 days
  }
  depends_on = [google_cloud_run_v2_service_iam_member.pusher]
}

# Pub/Sub itself moves what is dead: it publishes there, and acknowledges here (Pub/Sub: Dead-letter topics).
resource "google_pubsub_topic_iam_member" "dead" {
  for_each = local.topics
  topic    = google_pubsub_topic.dead[each.value].id
  role     = "roles/pubsub.publisher"
  member   = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead" {
  for_each     = local.fed_by
  subscription = google_pubsub_subscription.push[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers
  topic    = google_pubsub_topic.this[each.value.topic].id
  role     = "roles/pubsub.publisher"
  member   = each.value.member
}
