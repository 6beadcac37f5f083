/// What naming a Python global, or calling it, means for whoever loads the file in Python.
public enum SecurityVerdict: String, Sendable, Comparable, CaseIterable {
    /// A constructor on our closed list: it makes plain data or a tensor.
    case known
    /// A class or function of some package, which Python would import and build; here it stays inert.
    case foreign
    /// What runs code, reaches the system, imports, evaluates, or unpickles.
    case dangerous

    /// From harmless to dangerous.
    public static func < (left: Self, right: Self) -> Bool { left.severity < right.severity }

    private var severity: Int {
        switch self {
        case .known: 0
        case .foreign: 1
        case .dangerous: 2
        }
    }
}

/// What a file would make Python do when it is loaded: found without doing any of it.
public struct SecurityReport: Sendable {
    /// A Python global that a pickle, or the configuration of a Keras model, names.
    public struct NamedGlobal: Sendable, Equatable {
        /// The module that Python would import.
        public let module: String
        /// The qualified name in it.
        public let name: String
        /// What naming it means.
        public package(set) var verdict: SecurityVerdict
        /// Why.
        public package(set) var reason: String
        /// How often it is named; what is fetched from a pickle's memo is not counted again.
        public package(set) var count: Int
    }

    /// A call that a pickle describes, of something that is not on the closed list or that is given such a thing.
    public struct Call: Sendable, Equatable {
        /// The call as Python would write it, cut short, with nothing in it that a terminal would heed.
        public let text: String
        /// The worst of what is called and what it is given.
        public let verdict: SecurityVerdict
        /// The opcode that makes it: `REDUCE`, `BUILD`, `NEWOBJ`, `NEWOBJ_EX`, `INST`, `OBJ`.
        public let opcode: String
        /// The pickle, as ``Pickle/name`` has it.
        public let pickle: String
        /// The place of the opcode in its pickle's bytes.
        public let offset: Int
    }

    /// A pickle in the file.
    public struct Pickle: Sendable, Equatable {
        /// The member that holds it, or the place in the file; behind a `#`, which of several one after another.
        public let name: String
        /// Where in the file it begins, or in its member when that is compressed.
        public let offset: Int
        /// How many opcodes it has, STOP included.
        public let opcodes: Int
        /// Why it cannot be followed to its end, if so. What stands before that was seen, and Python would run it.
        public let stop: String?
    }

    /// Something about the file as a whole.
    public struct Finding: Sendable, Equatable {
        /// The kinds of finding; raw values are those of `inspect --security --json`.
        public enum Kind: String, Sendable {
            /// Bytes before, between or behind what belongs to the container.
            case strayBytes = "stray-bytes"
            /// The file is a file of another kind, too: a second archive, a pickle before an archive.
            case polyglot
            /// A member that nothing in the file refers to.
            case hiddenMember = "hidden-member"
            /// Two members, or two headers of one member, that contradict each other.
            case contradiction
            /// Code that is no pickle.
            case code
            /// Something in another file is referred to.
            case otherFile = "other-file"
            /// A part that cannot be looked through.
            case unread
        }

        /// What kind of thing it is.
        public let kind: Kind
        /// Whether it is dangerous by itself; `foreign` is worth knowing only.
        public let verdict: SecurityVerdict
        /// What was found and where, in words.
        public let text: String

        init(_ kind: Kind, _ text: String, verdict: SecurityVerdict = .foreign) {
            self.kind = kind
            self.verdict = verdict
            self.text = EscapedText.plain(text)
        }
    }

    /// The globals that are named, dangerous ones first.
    public package(set) var globals: [NamedGlobal] = []
    /// The calls of what is not on the closed list, dangerous ones first, at most ``mostCalls`` of either verdict.
    public package(set) var calls: [Call] = []
    /// How many more calls there are.
    public package(set) var callsLeftOut = 0
    /// The pickles in the order in which they were found, at most ``mostPickles``.
    public package(set) var pickles: [Pickle] = []
    /// How many more pickles there are.
    public package(set) var picklesLeftOut = 0
    /// The number of opcodes in all pickles together.
    public package(set) var opcodes = 0
    /// What else there is to know.
    public package(set) var findings: [Finding] = []
    /// Why a part of the file could not be looked through; nil when all of it was.
    public package(set) var problem: String?

    /// The most calls of one verdict that are listed.
    public static let mostCalls = 1000
    /// The most pickles that are listed.
    public static let mostPickles = 10_000

    /// The worst verdict in the file; nil when nothing in it could run code.
    public var verdict: SecurityVerdict? {
        (globals.map(\.verdict) + calls.map(\.verdict)
            + findings.filter { $0.verdict == .dangerous }.map(\.verdict)).max()
            ?? (pickles.isEmpty ? nil : .known)
    }

    package init() {}
}
