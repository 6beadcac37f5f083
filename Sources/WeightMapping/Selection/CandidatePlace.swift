/// A place in a checkpoint where all names of a scheme's fingerprint stand.
struct CandidatePlace: Sendable, Hashable {
    let scheme: String
    /// What stands in front of the scheme's names, with its separator: `state_dict.module.`, or empty.
    let prefix: String
    /// How many names the scheme's fingerprint has: of two schemes the one that asks for more is meant.
    let evidence: Int

    init(scheme: NamingScheme, prefix: String) {
        self.scheme = scheme.name
        self.prefix = prefix
        evidence = scheme.fingerprint.count
    }

    /// A place where no known scheme's names stand.
    init(prefix: String) {
        scheme = ""
        self.prefix = prefix
        evidence = 0
    }

    /// The prefix without its separator: what `--select` takes.
    var path: String { String(prefix.dropLast()) }

    /// The words of the prefix.
    var words: [Substring] { prefix.split { $0 == "." || $0 == "/" } }

    /// What stands in front of the last word of the prefix, with its separator; nil at the top.
    var parent: String? { Self.parent(of: prefix) }

    /// What stands in front of the last word of a prefix.
    static func parent(of prefix: String) -> String? {
        guard !prefix.isEmpty else { return nil }
        let head = prefix.dropLast()
        guard let end = head.lastIndex(where: { $0 == "." || $0 == "/" }) else { return "" }
        return String(head[...end])
    }

    /// Whether `path` is this place or leads to it.
    func isBelow(_ path: String) -> Bool {
        self.path == path || prefix.hasPrefix(path + ".") || prefix.hasPrefix(path + "/")
    }
}

extension CandidatePlace {
    /// How far a place is from being what a user means by the model's weights; less is nearer.
    ///
    /// - Plain weights go before running averages of them (EMA, SWA, MoCo's momentum encoder), and both before
    ///   an optimizer's state, which repeats the names in some frameworks.
    /// - Of a teacher and a student the teacher is taken: it is what DINO, iBOT and DINOv2 publish and evaluate.
    /// - After that the usual words come first, then the shorter way.
    var rank: [Int] {
        let words = words.map { $0.lowercased() }
        let isOptimizer = words.contains { Self.optimizerWords.contains($0) }
        let isAverage = words.contains { word in
            let parts = word.split(separator: "_")
            return parts.contains("ema") || parts.contains("swa") || parts.contains("momentum")
                || parts.contains("averaged")
        }
        let isTeacher = words.contains { $0.hasPrefix("teacher") }
        let isStudent = words.contains { $0.hasPrefix("student") }
        let kind = isOptimizer ? 4 : isAverage ? 3 : isStudent ? 2 : isTeacher ? 1 : 0
        let first = words.first.map { Self.usualWords.firstIndex(of: $0) ?? Self.usualWords.count } ?? -1
        return [kind, first, words.count]
    }

    private static let usualWords = ["state_dict", "model", "model_state_dict", "params", "module", "net"]
    private static let optimizerWords: Set<String> = [
        "optimizer", "optimizers", "optim", "opt_state", "optimizer_states", "exp_avg", "exp_avg_sq", "mu",
        "nu",
        "param_states", "grad_ema", "momentum_buffer", "grads",
    ]

    /// First words of what never belongs to a model whose names stand at the top.
    static let besideModel: Set<String> = optimizerWords.union([
        "scheduler", "lr_scheduler", "lr_schedulers", "scaler", "amp", "amp_scaler", "loss_scaler",
        "callbacks",
        "loops", "criterion", "loss", "dino_loss", "ibot_loss", "hyper_parameters", "args", "rng_state",
    ])
}
