import Synchronization

/// Rows of a table that are made when they are first asked for: a checkpoint is in one scheme of some twenty, and to make
/// all their tables took a seventh of `inspect`.
final class LazyRows<Row: Sendable & Hashable>: Sendable {
    private enum State {
        case toMake(@Sendable () -> [Row])
        case made([Row])
    }

    private let state: Mutex<State>

    init(_ make: @escaping @Sendable () -> [Row]) {
        state = Mutex(.toMake(make))
    }

    var rows: [Row] {
        state.withLock { state in
            switch state {
            case .made(let rows): return rows
            case .toMake(let make):
                let rows = make()
                state = .made(rows)
                return rows
            }
        }
    }
}

extension LazyRows: Hashable {
    static func == (a: LazyRows, b: LazyRows) -> Bool { a === b || a.rows == b.rows }

    func hash(into hasher: inout Hasher) { hasher.combine(rows) }
}
