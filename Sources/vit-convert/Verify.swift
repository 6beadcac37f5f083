import ArgumentParser
import ViTToolkit

struct Verify: ParsableCommand, Talking {
    static let configuration = CommandConfiguration(
        abstract: "Run a model and compare it with reference logits and activations.",
        discussion: """
            A reference is an .npz or .safetensors with "input" ([B, 3, H, W] or [B, H, W, 3]), "logits" ([B, classes]) \
            and, if wanted, activations under timm's module names. Fixtures/make_reference.py writes one. For torch's \
            Transformer it has "src", "tgt", masks under torch's names, and "output". MODEL is any checkpoint that can \
            be converted.

            When the comparison fails, the usual causes are tried, one at a time and two together, and those that \
            explain the difference are named, with the option that puts it right.

            --report writes a page that stands by itself: the verdict, the error of each activation on a logarithmic \
            axis, the causes, and a table that can be sorted and searched.

            EXAMPLES
              vit-convert verify out.swt --reference ref.npz
              vit-convert verify model.pth --reference a.npz --reference b.npz --json
              vit-convert verify out.swt --reference ref.npz --activations computed.npz
              vit-convert verify out.swt --reference ref.npz --activations maps.npz --filter '*.attn_drop'
              vit-convert verify model.pth --reference ref.npz --gelu tanh --preprocess scale,imagenet
              vit-convert verify out.swt --reference ref.npz --report errors.html

            Saved activations have timm's module names: tokens after each block are blocks.0, blocks.1 … ([B, tokens, width], \
            the class token first), attention maps blocks.0.attn.attn_drop ([B, heads, tokens, tokens]).
            """)

    @Argument(
        help: ArgumentHelp("The model: an .swt or any other checkpoint.", valueName: "model"),
        completion: .file())
    var path: String

    @Option(help: "A reference; may be repeated.", completion: .references)
    var reference: [String] = []

    @Option(
        help: ArgumentHelp("Save what was computed: logits and every activation.", valueName: "out.npz"),
        completion: .file(extensions: ["npz"]))
    var activations: String?

    @Option(
        help: ArgumentHelp("Save only activations whose names match this shell pattern.", valueName: "glob"))
    var filter: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Look for the cause of a difference; by default when the comparison fails.")
    var diagnose: Bool?

    @OptionGroup var report: ReportArguments

    @OptionGroup var referenceForm: ReferenceArguments
    @OptionGroup var tolerance: ToleranceArguments
    @OptionGroup var threads: ThreadArguments
    @OptionGroup var model: ModelArguments
    @OptionGroup var repairs: RepairArguments

    @Flag(help: "Leave the head out: the reference holds features.")
    var dropHead = false

    @Flag(help: "Leave the pre-logits layer out.")
    var noPreLogits = false

    @Option(help: ArgumentHelp("Round the parameters to f16 or bf16 first.", valueName: "type"))
    var dtype: ParameterType?

    @OptionGroup var talk: TalkArguments

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if reference.isEmpty { throw ValidationError("Give at least one --reference.") }
        if activations != nil, reference.count > 1 {
            throw ValidationError("--activations takes exactly one --reference.")
        }
        if report.path != nil, reference.count > 1 {
            throw ValidationError("--report takes exactly one --reference.")
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
        let results = try job { try verifications() }
        if json {
            let values = results.map(\.json)
            Standard.print((values.count == 1 ? values[0] : .array(values)).pretty)
        } else {
            for (reference, result) in zip(reference, results) {
                if results.count > 1 { Standard.print("\(reference):") }
                let width = 10
                Standard.print(
                    Terminal.output.width == nil
                        ? "\(result.report)"
                        : result.report.text { Text.left(Text.bar($0, of: width), width) })
                if let diagnosis = result.diagnosis { Standard.print("\(diagnosis)") }
            }
            Standard.print("matrix products: \(MatrixProduct.providerDescription)")
        }
        guard results.allSatisfy({ $0.report.passed }) else { throw ExitCode(1) }
    }

    private struct Result {
        let report: ParityReport
        let diagnosis: Diagnosis?

        var json: JSONValue {
            let members = diagnosis?.members.map { JSONValue.Member($0.key, $0.value) } ?? []
            return .object((report.json.members ?? []) + members)
        }
    }

    private func verifications() throws -> [Result] {
        var options = try model.options()
        repairs.apply(to: &options)
        options.dropsPreLogits = noPreLogits
        options.classes = dropHead ? 0 : nil
        options.dtype = dtype?.dtype
        let checkpoint = try Streams.wholeCheckpoint(path)
        let page = try report.file(about: [checkpoint], reading: reference + model.files)
        let prepared = try PreparedModel(checkpoint, options: options)
        Standard.remark(prepared.remarks + [MatrixProduct.remark].compactMap { $0 })
        return try reference.map { reference in
            let verification = try verify(
                prepared, reference: reference, tolerance: tolerance.options, form: referenceForm.form,
                keepsActivations: activations != nil, filter: filter)
            if let activations { try save(verification.computed, to: activations) }
            Standard.remark(verification.remarks)
            let diagnosis = try diagnosis(prepared, reference, verification)
            try page?.write(verification.page(of: prepared, reference: reference, diagnosis: diagnosis))
            return Result(report: verification.report, diagnosis: diagnosis)
        }
    }

    private func diagnosis(
        _ prepared: PreparedModel, _ reference: String, _ verification: Verification
    ) throws -> Diagnosis? {
        guard diagnose ?? (prepared.canBeDiagnosed && !verification.report.passed) else { return nil }
        var task: ProgressTask?
        defer { task?.end() }
        return try ViTToolkit.diagnose(
            prepared, reference: reference, verification: verification, form: referenceForm.form
        ) { step in
            if task == nil {
                task = Progress.begin("looking for the cause", of: step.limit, unit: .pieces("trials"))
            }
            task?.reach(step.done)
        }
    }
}
