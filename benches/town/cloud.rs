//! WhatsApp's side of a call: a Cloud API that accepts every message and tells whoever waits for it.
//!
//! It checks nothing: the simulator and the tests do. It answers at once, so that what is measured is ours.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use puisano::tasks::Tasks;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::wire::Wire;

/// A message that was accepted, as its statuses must name it.
pub(crate) struct Accepted {
    pub(crate) wamid: String,
    pub(crate) opaque: String,
}

/// Who waits for an answer, by phone number.
#[derive(Clone, Default)]
pub(crate) struct Cloud {
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Accepted>>>>,
    accepted: Arc<AtomicU64>,
}

impl Cloud {
    /// The address at which it accepts.
    pub(crate) async fn start(&self, tasks: &Tasks) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port of this machine");
        let address = listener.local_addr().expect("our own address");
        let (cloud, spawner) = (self.clone(), tasks.clone());
        tasks.spawn("cloud", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let cloud = cloud.clone();
                spawner.spawn("cloud connection", async move {
                    cloud.serve(Wire::new(stream)).await;
                });
            }
        });
        address
    }

    /// What becomes of the next message to `phone`.
    pub(crate) fn next_to(&self, phone: &str) -> oneshot::Receiver<Accepted> {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.waiting.lock().expect("no panic");
        waiting.insert(phone.to_owned(), tell);
        told
    }

    async fn serve(&self, mut wire: Wire) {
        while let Ok((_, body)) = wire.receive().await {
            let number = self.accepted.fetch_add(1, Ordering::Relaxed);
            let wamid = format!("wamid.OUT{number:032}");
            let answer =
                format!(r#"{{"messaging_product":"whatsapp","messages":[{{"id":"{wamid}"}}]}}"#);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            if wire.send(head, answer.as_bytes()).await.is_err() {
                return;
            }
            self.tell(wamid, &body);
        }
    }

    fn tell(&self, wamid: String, body: &[u8]) {
        let body: Value = serde_json::from_slice(body).expect("our client sends JSON");
        let phone = body["to"].as_str().unwrap_or_default();
        let waiting = self.waiting.lock().expect("no panic").remove(phone);
        if let Some(waiting) = waiting {
            let opaque = body["biz_opaque_callback_data"].as_str();
            let opaque = opaque.unwrap_or_default().to_owned();
            // Who no longer waits has stopped measuring.
            let _ = waiting.send(Accepted { wamid, opaque });
        }
    }
}
