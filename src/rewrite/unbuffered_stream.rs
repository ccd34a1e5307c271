//! Small writes to a lent socket in; the same through a buffer that is flushed at the end out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short};
use crate::model::{Finding, RuleId};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("unbuffered-stream"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, first, last) = (file.slice(captured("name")?), captured("first")?, captured("last")?);
    let mut edits = place::insert_before(file, first, &format!("let mut {name} = tokio::io::BufWriter::new({name});"));
    edits.extend(place::insert_before(file, last, &format!("{name}.flush().await?;")));
    Ok(Draft {
        title: format!("buffer what is written to {name} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("the function does nothing with `{name}` but write, and waits for nothing else")),
            borrow("a buffered writer does wherever the socket did"),
        ],
        obligations: vec![
            "the pieces arrive in blocks of 8 KiB and at the end of the function: nobody waits for each of them"
                .to_owned(),
            "where a write fails, or the future is dropped, up to 8 KiB of what was written before are not sent"
                .to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::check;

    const RULE: &str = "unbuffered-stream";

    #[test]
    fn the_pieces_go_through_a_buffer() {
        let before = "use tokio::net::TcpStream;
async fn send(stream: &mut TcpStream, all: &[Header]) -> io::Result<()> {
    // In their order.
    for header in all {
        stream.write_all(header.name.as_bytes()).await?;
        stream.write_all(b\"\\r\\n\").await?;
    }
    // Done.
    Ok(())
}
";
        let after = "use tokio::net::TcpStream;
async fn send(stream: &mut TcpStream, all: &[Header]) -> io::Result<()> {
    let mut stream = tokio::io::BufWriter::new(stream);
    // In their order.
    for header in all {
        stream.write_all(header.name.as_bytes()).await?;
        stream.write_all(b\"\\r\\n\").await?;
    }
    stream.flush().await?;
    // Done.
    Ok(())
}
";
        assert_eq!(check(RULE, before, after).obligations.len(), 2);
    }
}
