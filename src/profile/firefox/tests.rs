//! Profiles of several versions of the format in; the same stacks out.

use super::*;

/// Version 49: tables in the thread, absolute times, a frame without a name and one with name and line.
const OLD: &str = r#"{"meta":{"preprocessedProfileVersion":49,"interval":1,"startTime":1700000000000},
"libs":[{"name":"svc","path":"/opt/svc","debugName":"svc","debugPath":"/opt/svc","breakpadId":"AE5FF4F46FAF8F98C7981688122A542F0"}],
"threads":[{"name":"worker","tid":"77.1","pid":"70","samples":{"length":4,"stack":[1,null,1,0],"time":[0.5,1.5,2.5,3.5],"weight":null,"weightType":"samples"},
"stackTable":{"length":2,"frame":[0,1],"prefix":[null,0]},
"frameTable":{"length":2,"address":[66,-1],"inlineDepth":[0,1],"func":[0,1],"nativeSymbol":[null,null],"line":[null,12]},
"funcTable":{"length":2,"name":[1,2],"resource":[0,-1],"fileName":[null,3]},
"resourceTable":{"length":1,"lib":[0],"name":[0]},
"nativeSymbols":{"length":0,"libIndex":[]},
"stringArray":["svc","0x42","gw::spin","src/main.rs"]}]}"#;

/// Version 66: everything shared, times as differences, callers by distance, files as sources.
const NEW: &str = r#"{"meta":{"preprocessedProfileVersion":66,"interval":1,"startTime":1700000000000},
"libs":[{"name":"svc","path":"/opt/svc","debugPath":"/opt/svc","codeId":"f4f45fae"}],
"shared":{"stringArray":["svc","0x42","gw::spin","src/main.rs"],
"stackTable":{"length":2,"frame":[0,1],"prefixOffset":[0,1]},
"frameTable":{"length":2,"address":[66,-1],"inlineDepth":[0,1],"func":[0,1],"nativeSymbol":[null,null],"line":[null,12]},
"funcTable":{"length":2,"name":[1,2],"resource":[0,-1],"source":[null,0]},
"resourceTable":{"length":1,"lib":[0],"name":[0]},
"sources":{"length":1,"filename":[3]}},
"threads":[{"name":"worker","tid":77,"pid":"70","samples":{"length":4,"stack":[1,null,1,0],"timeDeltas":[0.5,1,1,1],"weight":null,"weightType":"samples"}}]}"#;

fn shown(text: &str) -> (Vec<String>, Profile) {
    assert!(sniff(text.as_bytes()));
    let (profile, problems) = read(text.as_bytes());
    assert_eq!(problems, []);
    let stack = |sample: Sample| {
        let nodes = std::iter::successors(sample.leaf, |n| profile.nodes[n.0 as usize].parent);
        let frames = nodes.map(|n| &profile.frames[profile.nodes[n.0 as usize].frame.0 as usize]);
        let stack: Vec<String> = frames.map(|f| format!("{} {}:{}", f.symbol, f.file, f.line)).collect();
        format!("{} at {} on {}: {}", sample.weight, sample.time_ns.unwrap(), sample.tid.unwrap(), stack.join(" < "))
    };
    (profile.samples.iter().map(stack).collect(), profile)
}

#[test]
fn all_versions_tell_the_same() {
    let expected = [
        "1000000 at 500000 on 77: gw::spin src/main.rs:12 < 0x42 :0",
        "1000000 at 2500000 on 77: gw::spin src/main.rs:12 < 0x42 :0",
        "1000000 at 3500000 on 77: 0x42 :0",
    ];
    assert_eq!(shown(OLD).0, expected);
    assert_eq!(shown(NEW).0, expected);
}

#[test]
fn addresses_are_left_to_be_looked_up_by_build_id() {
    for (text, build_id) in [(OLD, "f4f45faeaf6f988fc7981688122a542f"), (NEW, "f4f45fae")] {
        let (_, profile) = shown(text);
        assert_eq!(profile.objects, [ObjectFile { path: "/opt/svc".into(), build_id: build_id.into() }]);
        let [address] = profile.addresses[..] else { panic!("{:?}", profile.addresses) };
        assert_eq!((address.address, address.base, address.object), (0x42, AddressBase::Image, 0));
        assert_eq!(profile.unix_offset_ns, Some(1_700_000_000_000_000_000));
    }
}

#[test]
fn a_stack_that_leads_nowhere_is_counted_and_left_out() {
    let text = NEW.replace(r#""prefixOffset":[0,1]"#, r#""prefixOffset":[0,9]"#);
    let (profile, problems) = read(text.as_bytes());
    assert_eq!((profile.samples.len(), profile.sources[0].malformed), (1, 3));
    assert_eq!(problems[0].what, "3 sample or frames name a stack or a frame that is not there");
    let text = OLD.replace(r#""prefix":[null,0]"#, r#""prefix":[1,0]"#);
    assert_eq!(read(text.as_bytes()).0.samples.len(), 0, "a circle");
}

#[test]
fn another_version_is_read_with_a_warning() {
    let text = NEW.replace(r#":66"#, r#":99"#);
    let (profile, problems) = read(text.as_bytes());
    assert_eq!(profile.samples.len(), 3);
    assert_eq!(problems[0].what, "this Firefox profile has version 99; known are 41 to 70");
}

#[test]
fn every_prefix_and_every_flipped_byte_gives_a_profile_or_a_problem() {
    for text in [OLD, NEW] {
        for at in 0..text.len() {
            assert!(!read(&text.as_bytes()[..at]).1.is_empty(), "cut at {at}");
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 0x11;
            let (profile, problems) = read(&bytes);
            assert!(!problems.is_empty() || !profile.samples.is_empty(), "flipped at {at}");
        }
    }
}

#[test]
fn paths_of_fetchable_sources_are_plain() {
    assert_eq!(plain_path("hg:hg.mozilla.org/mozilla-central:mozglue/a.cpp:1a2b"), "mozglue/a.cpp");
    assert_eq!(plain_path("/build/gw/src/main.rs"), "/build/gw/src/main.rs");
}

#[test]
fn some_of_the_samples_need_neither_the_others_nor_what_stands_between_them_and_the_tables() {
    let leaves: Vec<&str> = (0..60_000).map(|n| if n % 4 == 0 { "0" } else { "1" }).collect();
    let ones = vec!["1"; 60_000].join(",");
    for (text, times) in [(OLD, r#""time":[0.5,1.5,2.5,3.5]"#), (NEW, r#""timeDeltas":[0.5,1,1,1]"#)] {
        let key = times.split(':').next().unwrap();
        let many = text
            .replace(r#""stack":[1,null,1,0]"#, &format!(r#""stack":[{}]"#, leaves.join(",")))
            .replace(times, &format!("{key}:[{ones}]"))
            .replace(r#""name":"worker""#, r#""markers":{"data":[{"type":"]}\""},[]]},"name":"worker""#);
        assert_eq!(read(many.as_bytes()).0.samples.len(), 60_000);
        let look = some(many.as_bytes());
        assert_eq!((look.samples.len(), look.threads.len(), look.objects.len()), (15_000, 1, 1));
        let low = look.samples.iter().filter(|s| look.nodes[s.leaf.unwrap().0 as usize].parent.is_none()).count();
        assert!((3_500..4_000).contains(&low), "{low} of every fourth");
        assert!(look.samples.iter().all(|s| s.time_ns.is_none() && s.weight == 1_000_000));
        assert_eq!(some(&many.as_bytes()[..many.len() - 2]), Profile::default(), "cut off");
    }
}
