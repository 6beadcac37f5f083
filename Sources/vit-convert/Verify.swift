import ArgumentParser
import ViTToolkit

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a model and compare it with reference logits and activations.",
        discussion: """
            A reference is an .npz or .safetensors with "input" ([B, 3, H, W] or [B, H, W, 3]), "logits" ([B, classes]) \
            and, if wanted, activations under timm's module names. Fixtures/make_reference.py writes one. MODEL is any \
            checkpoint that can be converted.

            EXAMPLES
              vit-convert verify out.swt --reference ref.npz
              vit-convert verify model.pth --reference a.npz --reference b.npz --json
              vit-convert verify out.swt --reference ref.npz --activations computed.npz
              vit-convert verify out.swt --reference ref.npz --activations maps.npz --filter '*.attn_drop'

            Saved activations have timm's module names: tokens after each block are blocks.0, blocks.1 … ([B, tokens, width], \
            the class token first), attention maps blocks.0.attn.attn_drop ([B, heads, tokens, tokens]).
            """)

    @Argument(help: ArgumentHelp("The model: an .swt or any other checkpoint.", valueName: "model"))
    var path: String

    @Option(help: "A reference; may be repeated.")
    var reference: [String] = []

    @Option(help: ArgumentHelp("Save what was computed: logits and every activation.", valueName: "out.npz"))
    var activations: String?

    @Option(
        help: ArgumentHelp("Save only activations whose names match this shell pattern.", valueName: "glob"))
    var filter: String?

    @OptionGroup var tolerance: ToleranceArguments
    @OptionGroup var threads: ThreadArguments
    @OptionGroup var model: ModelArguments

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if reference.isEmpty { throw ValidationError("Give at least one --reference.") }
        if activations != nil, reference.count > 1 {
            throw ValidationError("--activations takes exactly one --reference.")
        }
        if let activations, !activations.hasSuffix(".npz") {
            throw ValidationError("The file for --activations must end in .npz.")
        }
        if filter != nil, activations == nil {
            throw ValidationError("--filter says what --activations saves: give it, too.")
        }
    }

    func run() throws {
        threads.apply()
        let reports = try job { try verifications() }
        if json {
            let values = reports.map { $0.json }
            Standard.print((values.count == 1 ? values[0] : .array(values)).pretty)
        } else {
            for (reference, report) in zip(reference, reports) {
                if reports.count > 1 { Standard.print("\(reference):") }
                Standard.print("\(report)")
            }
            Standard.print("matrix products: \(MatrixProduct.providerDescription)")
        }
        guard reports.allSatisfy({ $0.passed }) else { throw ExitCode(1) }
    }

    private func verifications() throws -> [ParityReport] {
        let prepared = try PreparedModel(try Checkpoint(path: path), options: try model.options())
        Standard.remark(prepared.remarks + [MatrixProduct.remark].compactMap { $0 })
        var reports: [ParityReport] = []
        for reference in reference {
            let verification = try verify(
                prepared, reference: reference, tolerance: tolerance.options,
                keepsActivations: activations != nil, filter: filter)
            if let activations { try save(verification.computed, to: activations) }
            reports.append(verification.report)
        }
        return reports
    }
}
