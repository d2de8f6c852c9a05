//! Pictures, read by eye, and what a caller does with them.

use super::{check, options};
use crate::graph::samples::{Sample, shop, stalker};
use crate::graph::{Class, Direction, End, Graph, Ink, Options, Scene, State, Step, grid, layout};

#[track_caller]
fn picture(sample: &Sample, width: u16, height: u16) -> Scene {
    let options = options(width, height, &[Class::ControlPlane]);
    let graph = sample.graph();
    let scene = grid(&graph, &options, None);
    check(&graph, &options, &scene);
    scene
}

/// The demo with a pair of every sign.
fn mixed() -> Sample {
    let mut s = stalker();
    let half = State::HalfOpen(End::To);
    s.edge("stalker/ui", "stalker/flow-manager", "3000", half);
    for to in ["stalker/orchestrator", "stalker/kafka"] {
        s.edge("stalker/flow-manager", to, "5135", State::Missing);
    }
    s.edge("stalker/ui", "stalker/mongo", "27017", State::Unknown);
    s.edge("stalker/kafka", "stalker/kafka", "9094", State::Plain);
    s.badge("stalker/ui", "open out!");
    s.badge("stalker-jobs/jobs", "open in");
    s
}

#[test]
fn the_demo_in_78_columns_has_no_lines_between_rows() {
    let scene = picture(&stalker(), 78, 18);
    assert!(scene.fits());
    insta::assert_snapshot!(scene.text(false), @r"
                                 ╭ stalker ──────┬───┬─────╮
                                 │ k   f m z c o │   │ i k │
                                 │ a   l o o r r │ j │ n 8 │
                                 │ f   o n o o c │ o │ t s │
                                 │ k u w g k n h │ b │ e - │
               rows call columns │ a i … o … … … │ s │ … … │ callees
    ╭────────────────────────────┼───────────────┼───┼─────┤
    │ outside                any │ · ■ · ◆ · ◆ · │ · │ · · │ 3 ◆2
    │ stalker       cron-service │ · · ■ ■ · ╲ · │ · │ · · │ 2
    │               flow-manager │ ■ · ╲ ■ · · · │ · │ · · │ 2
    │                      kafka │ ╲ · · · ■ · · │ · │ · · │ 1
    │               orchestrator │ ■ · · · · · ╲ │ · │ · ■ │ 2
    │                  zookeeper │ ■ · · · ╲ · · │ · │ · · │ 1
    │                      mongo │ · · · ╲ · · · │ · │ · · │ 0
    │                         ui │ · ╲ · · · · · │ · │ · · │ 0
    │ stalker-jobs          jobs │ · · · · · · · │ ╲ │ ■ · │ 1
    ╰────────────────────────────┴───────────────┴───┴─────╯
                         callers   3 1 1 3 1 1 0   0   1 1
    ");
}

#[test]
fn the_demo_with_room_has_names_whole() {
    let scene = picture(&stalker(), 118, 30);
    assert!(scene.fits());
    insta::assert_snapshot!(scene.text(false), @r"
                    ╭ stalker ──────┬ stalker-jobs ┬ outside ╮
                    │     f     c o │              │         │
                    │     l     r r │              │         │
                    │     o     o c │              │         │
                    │     w   z n h │              │         │
                    │     -   o - e │              │   i     │
                    │     m   o s s │              │   n k   │
                    │     a   k e t │              │   t 8   │
                    │ k   n m e r r │              │   e s   │
                    │ a   a o e v a │      j       │   r -   │
                    │ f   g n p i t │      o       │   n a   │
          rows call │ k u e g e c o │      b       │   e p   │
            columns │ a i r o r e r │      s       │   t i   │ callees
    ╭─ outside ─────┼───────────────┼──────────────┼─────────┤
    │           any │ · ■ · ◆ · ◆ · │      ·       │   · ·   │ 3 ◆2
    ├─ stalker ─────┼───────────────┼──────────────┼─────────┤
    │  cron-service │ · · ■ ■ · ╲ · │      ·       │   · ·   │ 2
    │  flow-manager │ ■ · ╲ ■ · · · │      ·       │   · ·   │ 2
    │         kafka │ ╲ · · · ■ · · │      ·       │   · ·   │ 1
    │  orchestrator │ ■ · · · · · ╲ │      ·       │   · ■   │ 2
    │     zookeeper │ ■ · · · ╲ · · │      ·       │   · ·   │ 1
    │         mongo │ · · · ╲ · · · │      ·       │   · ·   │ 0
    │            ui │ · ╲ · · · · · │      ·       │   · ·   │ 0
    ├─ stalker-jobs ┼───────────────┼──────────────┼─────────┤
    │          jobs │ · · · · · · · │      ╲       │   ■ ·   │ 1
    ╰───────────────┴───────────────┴──────────────┴─────────╯
            callers   3 1 1 3 1 1 0        0           1 1
     not expected ◆         1   1
    ");
}

#[test]
fn the_shop_in_a_small_pane_is_panned() {
    let scene = picture(&shop(), 78, 18);
    assert!(!scene.fits());
    insta::assert_snapshot!(scene.text(false), @r"
                           ╭ e-commerce ──────────────┬─┬─╮
                           │raccioppprsuaaccinoppprssu│r│p│
                           │euaanrarrehspuaanorarreehs│a│r│
                           │d……t…………o………i……t…t………o…a……│b│o│
                           │iqq…qqqq…qqq-cc…ciccc…crcc│b│m│
         rows call columns │slllllllllll…eeee…eeeee…ee│…│…│ callees
    ╭─ e-commerce ─────────┼──────────────────────────┼─┼─┤
    │          api-gateway │············╲■■■■■■■■■■■■■│·│·│ 13
    │         auth-service │■■···········╲············│■│·│  3
    │         cart-service │■·■···········╲···········│■│·│  3
    │      catalog-service │■··■···········╲··········│■│·│  3
    │    inventory-service │■···■···········╲·········│■│·│  3
    │        order-service │■····■············╲·······│■│·│  3
    │      payment-service │■····◆■············╲······│■│·│  4 ◆1
    │      pricing-service │■······■············╲·····│■│·│  3
    │      product-service │■·······■············╲····│■│·│  3
    │       review-service │○········■············╲···│■│·│  2    ○1
    │     shipping-service │■·········■·············╲·│■│·│  3
    │         user-service │■··········■·············╲│■│·│  3
    │ notification-service │■················╲········│■│·│  2
    │       search-service │■······················╲··│■│·│  2
    ├─ e-commerce-messagi… ┼──────────────────────────┼─┼─┤
    │             rabbitmq │··························│■│·│  1
    ├─ monitoring ─────────┼──────────────────────────┼─┼─┤
    │              grafana │··························│·│■│  1
    ├─ traefik ────────────┼──────────────────────────┼─┼─┤
    │              traefik │············■·············│·│·│  1
    ╰──────────────────────┴──────────────────────────┴─┴─╯
                            1                          1
                   callers  21111211111111111111111111 4 1
    not shown: 14 rows and 3 columns without a sign (1 workload in neither)
    ");
}

#[test]
fn the_shop_in_120_columns_leaves_out_rows_without_a_sign() {
    let scene = picture(&shop(), 118, 30);
    assert!(scene.fits());
    insta::assert_snapshot!(scene.text(false), @r"
                                         ╭ e-commerce ─────────────────────────────────────────┬───┬───╮
                                         │ r a c c i o p p p r s u a a c c i n o p p p r s s u │ r │ p │
                                         │ e u a a n r a r r e h s p u a a n o r a r r e e h s │ a │ r │
                                         │ d … … t … … … … o … … … i … … t … t … … … o … a … … │ b │ o │
                                         │ i q q … q q q q … q q q - c c … c i c c c … c r c c │ b │ m │
                       rows call columns │ s l l l l l l l l l l l … e e e e … e e e e e … e e │ … │ … │ callees
    ╭────────────────────────────────────┼─────────────────────────────────────────────────────┼───┼───┤
    │ e-commerce             api-gateway │ · · · · · · · · · · · · ╲ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ │ · │ · │ 13
    │                       auth-service │ ■ ■ · · · · · · · · · · · ╲ · · · · · · · · · · · · │ ■ │ · │  3
    │                       cart-service │ ■ · ■ · · · · · · · · · · · ╲ · · · · · · · · · · · │ ■ │ · │  3
    │                    catalog-service │ ■ · · ■ · · · · · · · · · · · ╲ · · · · · · · · · · │ ■ │ · │  3
    │                  inventory-service │ ■ · · · ■ · · · · · · · · · · · ╲ · · · · · · · · · │ ■ │ · │  3
    │                      order-service │ ■ · · · · ■ · · · · · · · · · · · · ╲ · · · · · · · │ ■ │ · │  3
    │                    payment-service │ ■ · · · · ◆ ■ · · · · · · · · · · · · ╲ · · · · · · │ ■ │ · │  4 ◆1
    │                    pricing-service │ ■ · · · · · · ■ · · · · · · · · · · · · ╲ · · · · · │ ■ │ · │  3
    │                    product-service │ ■ · · · · · · · ■ · · · · · · · · · · · · ╲ · · · · │ ■ │ · │  3
    │                     review-service │ ○ · · · · · · · · ■ · · · · · · · · · · · · ╲ · · · │ ■ │ · │  2    ○1
    │                   shipping-service │ ■ · · · · · · · · · ■ · · · · · · · · · · · · · ╲ · │ ■ │ · │  3
    │                       user-service │ ■ · · · · · · · · · · ■ · · · · · · · · · · · · · ╲ │ ■ │ · │  3
    │               notification-service │ ■ · · · · · · · · · · · · · · · · ╲ · · · · · · · · │ ■ │ · │  2
    │                     search-service │ ■ · · · · · · · · · · · · · · · · · · · · · · ╲ · · │ ■ │ · │  2
    │ e-commerce-…              rabbitmq │ · · · · · · · · · · · · · · · · · · · · · · · · · · │ ■ │ · │  1
    │ monitoring                 grafana │ · · · · · · · · · · · · · · · · · · · · · · · · · · │ · │ ■ │  1
    │ traefik                    traefik │ · · · · · · · · · · · · ■ · · · · · · · · · · · · · │ · │ · │  1
    ╰────────────────────────────────────┴─────────────────────────────────────────────────────┴───┴───╯
                                           1                                                     1
                                 callers   2 1 1 1 1 2 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1   4   1
                          not expected ◆             1
                               missing ○   1
    not shown: 14 rows and 3 columns without a sign (1 workload in neither)
    ");
}

#[test]
fn the_shop_in_200_columns_is_complete() {
    let scene = picture(&shop(), 198, 44);
    assert!(scene.fits());
    insta::assert_snapshot!(scene.text(false), @r"
                            ╭ e-commerce ─────────────────────────────────────────┬ e-commerce-messaging ┬ monitoring ┬ traefik ╮
                            │ r a c c i o p p p r s u a a c c i n o p p p r s s u │         r m          │    p g     │    t    │
                            │ e u a a n r a r r e h s p u a a n o r a r r e e h s │         a i          │    r r     │    r    │
                            │ d … … t … … … … o … … … i … … t … t … … … o … a … … │         b n          │    o a     │    a    │
                            │ i q q … q q q q … q q q - c c … c i c c c … c r c c │         b i          │    m f     │    e    │
          rows call columns │ s l l l l l l l l l l l … e e e e … e e e e e … e e │         … o          │    … …     │    …    │ callees
    ╭─ e-commerce ──────────┼─────────────────────────────────────────────────────┼──────────────────────┼────────────┼─────────┤
    │           api-gateway │ · · · · · · · · · · · · ╲ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ │         · ·          │    · ·     │    ·    │ 13
    │          auth-service │ ■ ■ · · · · · · · · · · · ╲ · · · · · · · · · · · · │         ■ ·          │    · ·     │    ·    │  3
    │          cart-service │ ■ · ■ · · · · · · · · · · · ╲ · · · · · · · · · · · │         ■ ·          │    · ·     │    ·    │  3
    │       catalog-service │ ■ · · ■ · · · · · · · · · · · ╲ · · · · · · · · · · │         ■ ·          │    · ·     │    ·    │  3
    │     inventory-service │ ■ · · · ■ · · · · · · · · · · · ╲ · · · · · · · · · │         ■ ·          │    · ·     │    ·    │  3
    │         order-service │ ■ · · · · ■ · · · · · · · · · · · · ╲ · · · · · · · │         ■ ·          │    · ·     │    ·    │  3
    │       payment-service │ ■ · · · · ◆ ■ · · · · · · · · · · · · ╲ · · · · · · │         ■ ·          │    · ·     │    ·    │  4 ◆1
    │       pricing-service │ ■ · · · · · · ■ · · · · · · · · · · · · ╲ · · · · · │         ■ ·          │    · ·     │    ·    │  3
    │       product-service │ ■ · · · · · · · ■ · · · · · · · · · · · · ╲ · · · · │         ■ ·          │    · ·     │    ·    │  3
    │        review-service │ ○ · · · · · · · · ■ · · · · · · · · · · · · ╲ · · · │         ■ ·          │    · ·     │    ·    │  2    ○1
    │      shipping-service │ ■ · · · · · · · · · ■ · · · · · · · · · · · · · ╲ · │         ■ ·          │    · ·     │    ·    │  3
    │          user-service │ ■ · · · · · · · · · · ■ · · · · · · · · · · · · · ╲ │         ■ ·          │    · ·     │    ·    │  3
    │  notification-service │ ■ · · · · · · · · · · · · · · · · ╲ · · · · · · · · │         ■ ·          │    · ·     │    ·    │  2
    │        search-service │ ■ · · · · · · · · · · · · · · · · · · · · · · ╲ · · │         ■ ·          │    · ·     │    ·    │  2
    │            auth-mysql │ · ╲ · · · · · · · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │            cart-mysql │ · · ╲ · · · · · · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │         catalog-mysql │ · · · ╲ · · · · · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │       inventory-mysql │ · · · · ╲ · · · · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │           order-mysql │ · · · · · ╲ · · · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │         payment-mysql │ · · · · · · ╲ · · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │         pricing-mysql │ · · · · · · · ╲ · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │         product-mysql │ · · · · · · · · ╲ · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │                 redis │ ╲ · · · · · · · · · · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │          review-mysql │ · · · · · · · · · ╲ · · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │        shipping-mysql │ · · · · · · · · · · ╲ · · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    │            user-mysql │ · · · · · · · · · · · ╲ · · · · · · · · · · · · · · │         · ·          │    · ·     │    ·    │  0
    ├─ e-commerce-messaging ┼─────────────────────────────────────────────────────┼──────────────────────┼────────────┼─────────┤
    │              rabbitmq │ · · · · · · · · · · · · · · · · · · · · · · · · · · │         ■ ·          │    · ·     │    ·    │  1
    │                 minio │ · · · · · · · · · · · · · · · · · · · · · · · · · · │         · ╲          │    · ·     │    ·    │  0
    ├─ monitoring ──────────┼─────────────────────────────────────────────────────┼──────────────────────┼────────────┼─────────┤
    │               grafana │ · · · · · · · · · · · · · · · · · · · · · · · · · · │         · ·          │    ■ ╲     │    ·    │  1
    │            prometheus │ · · · · · · · · · · · · · · · · · · · · · · · · · · │         · ·          │    ╲ ·     │    ·    │  0
    ├─ traefik ─────────────┼─────────────────────────────────────────────────────┼──────────────────────┼────────────┼─────────┤
    │               traefik │ · · · · · · · · · · · · ■ · · · · · · · · · · · · · │         · ·          │    · ·     │    ╲    │  1
    ╰───────────────────────┴─────────────────────────────────────────────────────┴──────────────────────┴────────────┴─────────╯
                              1                                                             1
                    callers   2 1 1 1 1 2 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1           4 0               1 0          0
    ");
}

#[test]
fn every_sign_is_told_apart_without_colour_and_in_ascii() {
    let (graph, options) = (mixed().graph(), options(118, 30, &[]));
    let scene = grid(&graph, &options, None);
    check(&graph, &options, &scene);
    insta::assert_snapshot!(scene.text(true), @r"
                    + stalker ------+ stalker-jobs + outside +
                    |       f   o c |              |         |
                    |       l   r r |              |         |
                    |       o   c o |              |         |
                    |       w z h n |              |         |
                    |       - o e - |              |    i    |
                    |       m o s s |              |    n    |
                    |       a k t e |              |    t    |
                    | k m   n e r r |              |    e    |
                    | a o   a e a v |      j       |    r    |
                    | f n   g p t i |      o       |    n    |
          rows call | k g u e e o c |      b       |    e    |
            columns | a o i r r r e |      s       |    t    | callees
    +- outside -----+---------------+--------------+---------+
    |           any | , * # , , , * |      :       |    ,    | 3 *2
    +- stalker -----+---------------+--------------+---------+
    |  flow-manager | % # , \ , O , |      ,       |    ,    | 2    O2
    |  cron-service | , # , # , , \ |      ,       |    ,    | 2
    | open out!  ui | , ? \ x , , , |      :       |    :    | 0
    |         kafka | # , , , # , , |      ,       |    ,    | 2
    |  orchestrator | # , , , , \ , |      ,       |    ,    | 1
    |     zookeeper | # , , , \ , , |      ,       |    ,    | 1
    |         mongo | , \ , , , , , |      ,       |    ,    | 0
    +- stalker-jobs +---------------+--------------+---------+
    | open in  jobs | , , , , , , , |      \       |    #    | 1
    +---------------+---------------+--------------+---------+
            callers   4 3 1 1 1 0 1        0            1
     not expected *     1         1
          missing O   1         1
    ");
    let legend = scene
        .legend()
        .iter()
        .map(|(state, sample, _)| (*state, *sample));
    assert_eq!(
        legend.collect::<Vec<_>>(),
        [
            (State::Plain, "■"),
            (State::Unexpected, "◆"),
            (State::Missing, "○"),
            (State::Missing, "◐"),
            (State::Unknown, "?"),
            (State::HalfOpen(End::To), "╳"),
            (State::HalfOpen(End::To), "□"),
        ]
    );
    // Colour says the same as the sign.
    let cell = |from: &str, to: &str| {
        let key = |name: &str| format!("stalker/deployment/{name}");
        let from = if from == "any" {
            from.to_owned()
        } else {
            key(from)
        };
        let rect = scene.pair_rect(&from, &key(to)).unwrap();
        let cell = scene.cell(rect.x, rect.y).unwrap();
        assert_eq!(cell.ink, Ink::Mark);
        (cell.glyph, cell.state, cell.bold, cell.edges.len())
    };
    assert_eq!(
        cell("any", "mongo"),
        ('◆', Some(State::Unexpected), true, 1)
    );
    assert_eq!(
        cell("flow-manager", "kafka"),
        ('◐', Some(State::Missing), false, 2)
    );
    assert_eq!(cell("ui", "ui"), ('╲', None, false, 0));
    assert_eq!(cell("mongo", "kafka"), ('·', None, false, 0));
}

#[test]
fn a_workload_that_nobody_isolates_is_not_shown_as_closed() {
    let mut s = Sample::default();
    s.edge("a/web", "a/db", "5432", State::Plain);
    s.badge("a/web", "open in");
    s.badge("a/job", "open out!");
    s.badge("a/db", "open out");
    s.edge("any", "a/db", "5432", State::HalfOpen(End::From));
    let scene = picture(&s, 78, 18);
    let sign = |from: &str, to: &str| {
        let rect = scene.pair_rect(from, to).unwrap();
        scene.cell(rect.x, rect.y).unwrap().glyph
    };
    let (web, db, job) = ("a/deployment/web", "a/deployment/db", "a/deployment/job");
    assert_eq!(
        (sign(job, web), sign(db, web), sign("any", web)),
        ('□', '□', '□')
    );
    // One end isolates: no rule, no way.
    assert_eq!(
        (sign(web, job), sign(job, db), sign("any", job)),
        ('·', '·', '·')
    );
    // In narrow panes the finding stays.
    let text = picture(&s, 32, 18).text(false);
    assert!(text.contains("! "), "{text}");
}

#[test]
fn nothing_makes_an_empty_scene() {
    let scene = grid(&Graph::default(), &Options::new(80, 24), None);
    assert_eq!((scene.width(), scene.height(), scene.fits()), (0, 0, true));
    assert_eq!(
        (scene.text(false).as_str(), scene.pair_at(0, 0)),
        ("", None)
    );
    assert_eq!(scene.step("a", Direction::Down), None);
}

#[test]
fn one_node_is_a_matrix_of_one_cell() {
    let mut s = Sample::default();
    s.node("a/web");
    let scene = picture(&s, 80, 24);
    insta::assert_snapshot!(scene.text(false), @r"
              ╭ a ╮
              │ w │
    rows call │ e │
      columns │ b │ callees
    ╭─ a ─────┼───┤
    │     web │ ╲ │ 0
    ╰─────────┴───╯
      callers   0
    ");
}

#[test]
fn without_edges_a_small_pane_says_what_it_leaves_out() {
    let mut s = Sample::default();
    for i in 0..30 {
        s.node(&format!("a/w{i}"));
    }
    let scene = picture(&s, 60, 10);
    let note = "not shown: 30 rows and 30 columns without a sign (30 workloads in neither)";
    assert_eq!((scene.note(), scene.fits()), (Some(note), true));
    assert_eq!(
        scene.text(false),
        "not shown: 30 rows and 30 columns without a sign (30 worklo…\n"
    );
}

#[test]
fn wide_characters_take_one_cell() {
    let mut s = Sample::default();
    s.edge("漢字/網頁", "漢字/db", "1", State::Plain);
    let scene = picture(&s, 80, 24);
    assert!(scene.text(false).contains("??"), "{}", scene.text(false));
    assert!(scene.find("漢字/deployment/網頁").is_some());
}

#[test]
fn headings_are_selected_and_walked() {
    let scene = picture(&shop(), 118, 30);
    let key = |name: &str| format!("e-commerce/deployment/{name}");
    // A row, a column of a node that has no row, and the node under a heading.
    let gateway = scene.find(&key("api-gateway")).unwrap();
    assert_eq!(
        (gateway.id.as_str(), gateway.column),
        (key("api-gateway").as_str(), 0)
    );
    let redis = scene.find(&key("redis")).unwrap();
    assert_eq!(
        (redis.id.clone(), redis.column),
        (format!("to:{}", key("redis")), 1)
    );
    assert_eq!(scene.node_at(redis.rect.x, redis.rect.y), Some(redis));
    let step = |from: &str, direction| scene.step(from, direction).unwrap_or_default();
    assert_eq!(
        step(&key("api-gateway"), Direction::Down),
        key("auth-service")
    );
    assert_eq!(
        step(&key("auth-service"), Direction::Up),
        key("api-gateway")
    );
    assert_eq!(step(&key("api-gateway"), Direction::Up), "");
    assert_eq!(
        step(&key("api-gateway"), Direction::Right),
        format!("to:{}", key("auth-service"))
    );
    assert_eq!(
        step(&format!("to:{}", key("redis")), Direction::Right),
        format!("to:{}", key("auth-mysql"))
    );
    // The first column leads back, to whoever calls it.
    assert_eq!(step(&redis.id, Direction::Left), key("auth-service"));
    assert_eq!(
        scene.peers(&key("payment-service")),
        [
            key("redis"),
            key("order-mysql"),
            key("payment-mysql"),
            "e-commerce-messaging/deployment/rabbitmq".to_owned()
        ]
    );
    assert_eq!(
        scene.callers(&key("order-mysql")),
        [key("order-service"), key("payment-service")]
    );
    assert_eq!(scene.heads().map(|(_, above)| above), Some(7));
    assert_eq!(scene.frames().len(), 4);
}

#[test]
fn hubs_come_first_and_pairs_stand_along_a_diagonal() {
    let mut s = Sample::default();
    for (service, store) in [("x1", "s3"), ("x2", "s1"), ("x3", "s2")] {
        s.edge(
            &format!("a/{service}"),
            &format!("a/{store}"),
            "1",
            State::Plain,
        );
        s.edge(&format!("a/{service}"), "a/zoo", "1", State::Plain);
        s.edge("a/the-gate", &format!("a/{service}"), "1", State::Plain);
    }
    let scene = picture(&s, 80, 40);
    let name = |column: usize| {
        let mut boxes: Vec<_> = scene
            .boxes()
            .iter()
            .filter(|b| b.column == column)
            .collect();
        boxes.sort_by_key(|b| if column == 0 { b.rect.y } else { b.rect.x });
        boxes.iter().map(|b| b.title.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(name(0)[..4], ["the-gate", "x1", "x2", "x3"]);
    assert_eq!(name(1)[..7], ["zoo", "s3", "s1", "s2", "x1", "x2", "x3"]);
}

#[test]
fn a_form_stays_while_the_pane_does() {
    let options = options(118, 30, &[]);
    let before = grid(&shop().graph(), &options, None);
    // With room for all rows now, those of before stay away.
    let mut fewer = shop();
    fewer.edges.retain(|e| !e.to.contains("mysql"));
    fewer.nodes.retain(|n| !n.key.contains("mysql"));
    let fresh = grid(&fewer.graph(), &options, None);
    let after = grid(&fewer.graph(), &options, Some(&before));
    assert_eq!(
        (fresh.note().is_some(), after.note().is_some()),
        (false, true)
    );
}

#[test]
fn crossings_of_a_map_are_its_bridges() {
    let graph = stalker().graph();
    let options = options(150, 24, &[Class::ControlPlane, Class::Dns]);
    let map = layout(&graph, &options, None);
    assert_eq!(map.step_shown(), Step::Card);
    assert_eq!(
        (map.crossings(), map.is_tangled()),
        // Two of the wire to dns, one of the wire to kafka.
        (3, false),
        "{}",
        map.text(false)
    );
    assert_eq!(grid(&graph, &options, None).crossings(), 0);
}
