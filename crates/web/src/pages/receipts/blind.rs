//! Goods that nobody announced: the delivery is made as they are received.

use axum::response::Response;
use platform::Result;
use platform::database::Tx;
use warehouse::{FacilityFilter, NewReceipt, Receive, ReceiveLine, facilities, receipts};

use super::super::items::largest_page;
use super::super::typed::{self, Typed, given, listed};
use super::super::visitor::{Form, Visitor, done, refuse, show};
use super::{as_in_the_form, choice, href, lines_received, row_read};
use crate::view::{self, Errors};

async fn blind_form(visitor: &Visitor, input: view::BlindReceiptInput) -> Result<view::BlindReceipt> {
    let actor = &visitor.actor;
    let filter = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let facilities = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| facilities::list(connection, actor, &filter, &largest_page()).await)
        .await?;
    Ok(view::BlindReceipt {
        page: visitor.page("Receive without notice"),
        facilities: facilities.items.iter().map(choice).collect(),
        input,
        errors: Errors::none(),
    })
}

pub(super) async fn new_blind(visitor: Visitor) -> Result<Response> {
    show(&blind_form(&visitor, view::BlindReceiptInput::default()).await?)
}

/// The delivery is made and its goods are received together, or neither.
pub(super) async fn receive_blind(visitor: Visitor, form: Form<view::BlindReceiptInput>) -> Result<Response> {
    let input = &form.input;
    let received = async {
        let (lines, places) = blind_lines(input)?;
        let delivery = NewReceipt {
            facility: input.facility.clone(),
            code: typed::wanted(&input.code),
            supplier: input.supplier.clone(),
            expected_at: None,
            lines: Vec::new(),
        };
        let received = visitor.change(form.key.as_ref(), async |tx| {
            let lines = scanned(tx, &visitor, &lines).await?;
            let receipt = receipts::create(tx, &visitor.actor, &delivery).await?;
            receipts::receive(tx, &visitor.actor, &receipt.receipt_id.to_string(), &Receive { lines, ..Receive::default() }).await
        });
        received.await.map_err(|error| as_in_the_form(error, &places))
    };
    match received.await {
        Ok(delivered) => {
            Ok(done(&href(delivered.receipt.receipt_id, &delivered.receipt.code), &lines_received(delivered.arrived.len())))
        }
        Err(error) => {
            let form = blind_form(&visitor, form.input).await?;
            refuse(error, |errors| view::BlindReceipt { errors, ..form })
        }
    }
}

/// Rows in which nothing stands are no lines.
pub(super) fn blind_lines(input: &view::BlindReceiptInput) -> Result<(Vec<ReceiveLine>, Vec<usize>)> {
    let (mut read, mut lines, mut places) = (Typed::default(), Vec::new(), Vec::new());
    for (place, row) in input.lines.iter().enumerate() {
        let item = given(&row.item);
        if [item, given(&row.quantity), given(&row.lot), given(&row.expires_on)].iter().all(Option::is_none) {
            continue;
        }
        if item.is_none() {
            read.refuse(&format!("lines[{place}].item"), "must be the code or a barcode of the item");
        }
        let line = row_read(&mut read, place, [&row.quantity, &row.lot, &row.expires_on, &row.quality_status]);
        let serials = listed(&row.serials).unwrap_or_default();
        lines.push(ReceiveLine { item: item.map(str::to_owned), serials, ..line });
        places.push(place);
    }
    if lines.is_empty() {
        read.refuse("lines[0].item", "must say what arrived, on one line at least");
    }
    read.done(Vec::new())?;
    Ok((lines, places))
}

/// Puts the item in the place of a barcode; what is neither a code nor a barcode stays for the service to refuse.
async fn scanned(tx: &mut Tx, visitor: &Visitor, lines: &[ReceiveLine]) -> Result<Vec<ReceiveLine>> {
    let references: Vec<String> = lines.iter().filter_map(|line| line.item.clone()).collect();
    let known = catalog::service::resolve(tx, visitor.actor.tenant(), &references).await?;
    let mut found = lines.to_vec();
    for reference in found.iter_mut().filter_map(|line| line.item.as_mut()).filter(|reference| !known.contains_key(*reference)) {
        match catalog::service::lookup(tx, &visitor.actor, reference).await {
            Ok(item) => *reference = item.item_id.to_string(),
            Err(error) if error.code.status() < 500 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
