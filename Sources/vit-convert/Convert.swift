import ArgumentParser
import ViTToolkit

struct Convert: ParsableCommand, Talking {
    static let configuration = CommandConfiguration(
        abstract: "Convert a checkpoint (the default subcommand).",
        discussion: """
            IN is a PyTorch, safetensors, NumPy, HDF5 or Flax checkpoint, a *.index.json of a sharded one, a folder, \
            or the https:// address of a file; the kind is told by the content. OUT's ending says what to write: .swt, .safetensors, .npz, .pth or .h5. \
            With --to huggingface… OUT may be a folder, which then holds a config.json, too.

            OUT appears whole or not at all; until then, what stood there stays untouched. A - for IN is standard \
            input, for OUT standard output, which an .swt goes to unless --format says otherwise.

            EXAMPLES
              vit-convert jx_vit_base_patch16_224_in21k.pth out.swt
              vit-convert checkpoint.pth.tar out.swt --select state_dict_ema --num-classes 10
              vit-convert model.safetensors out.swt --image-size 384 --dtype bf16
              vit-convert model.pth out.swt --reference ref.npz
              vit-convert out.swt ViT-B_16.npz --to jax
              vit-convert out.swt folder/ --to huggingface
              vit-convert my_vit.pth out.swt --rules my_vit.json
              vit-convert out.swt my_vit.safetensors --to my_vit.json
              vit-convert https://example.org/model.pth out.swt
              zstd -dc model.pth.zst | vit-convert - - | ssh host 'cat > model.swt'
            """)

    @Argument(help: ArgumentHelp("The checkpoint to read.", valueName: "in"), completion: .file())
    var input: String

    @Argument(help: ArgumentHelp("The file to write.", valueName: "out"), completion: .file())
    var output: String

    @Option(
        help: ArgumentHelp(
            "Write the names and layouts of another framework (see: vit-convert schemes), or of a rules file.",
            valueName: "scheme|file.json"), completion: .schemes)
    var to: String?

    @Option(
        help: ArgumentHelp(
            "What to write, whatever OUT ends in: swt, safetensors, npz, pth or h5.", valueName: "ending"))
    var format: OutputFormat?

    @Flag(help: "Deflate the members of an .npz.")
    var compress = false

    @OptionGroup var model: ModelArguments
    @OptionGroup var repairs: RepairArguments
    @OptionGroup var adaptation: AdaptationArguments

    @Option(
        help: "Verify the result against this reference before it is put in place; may be repeated.",
        completion: .references)
    var reference: [String] = []

    @OptionGroup var referenceForm: ReferenceArguments
    @OptionGroup var tolerance: ToleranceArguments

    @Flag(help: "Say what would be done, and write nothing.")
    var dryRun = false

    @Flag(
        help: """
            Convert a checkpoint that would run code when loaded in Python (see: inspect --security); here nothing in \
            it is run, with this flag or without.
            """)
    var allowUnsafeSource = false

    @Option(help: "The seed for parameters that are initialised anew.")
    var seed: UInt64 = 0

    @OptionGroup var talk: TalkArguments

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if output == Streams.word, json, !dryRun {
            throw ValidationError("--json and the output '-' exclude each other: both go to standard output.")
        }
    }

    func run() throws {
        try job {
            var options = try model.options()
            repairs.apply(to: &options)
            adaptation.apply(to: &options)
            options.seed = seed
            options.allowsUnsafeSource = allowUnsafeSource
            var form = try to.map { try OutputForm(named: $0) } ?? OutputForm()
            form.isCompressed = compress
            form.format = format
            let output = try dryRun ? output : Streams.output(output, &form)
            let checkpoint = try Streams.checkpoint(input, dryRun ? .ranges : .whole)
            if dryRun {
                let prepared = try PreparedModel(checkpoint, options: options)
                try prepared.proveSafe(options)
                if output == Streams.word { form.stream = STDOUT_FILENO }
                let outgoing = try prepared.outgoing(to: output, form: form)
                Standard.remark(prepared.remarks + outgoing.remarks)
                Standard.print(
                    json ? Self.json(prepared, nil).pretty : Self.summary(prepared, prefix: "would write"))
                return
            }
            do {
                let conversion = try convert(
                    checkpoint, to: output, options: options, form: form, references: reference,
                    tolerance: tolerance.options, referenceForm: referenceForm.form)
                Standard.remark(conversion.model.remarks + conversion.remarks)
                let results = form.stream == nil ? Standard.output : Standard.error
                results.print(
                    json
                        ? Self.json(conversion.model, conversion).pretty
                        : Self.summary(conversion.model, prefix: "wrote")
                            + conversion.reports.map { "\n\($0)" }.joined())
            } catch ToolkitError.parityFailed(let reports) {
                let results = form.stream == nil ? Standard.output : Standard.error
                for report in reports { results.print("\(report)") }
                Standard.error.write("vit-convert: \(ToolkitError.parityFailed(reports))\n")
                Standard.error.write("remark: vit-convert verify with the same options looks for the cause\n")
                throw ExitCode(1)
            }
        }
    }

    private static func bytes(of model: PreparedModel) -> Int {
        model.parameters.reduce(0) { $0 + $1.view.byteCount }
    }

    private static func summary(_ model: PreparedModel, prefix: String) -> String {
        "\(prefix) \(model.summary): \(model.parameters.count) parameters, "
            + "\(Text.bytes(bytes(of: model)))"
    }

    private static func json(_ model: PreparedModel, _ conversion: Conversion?) -> JSONValue {
        .object([
            "written": .bool(conversion != nil),
            "byteCount": conversion.map { .integer($0.byteCount) },
            "sourceSha256": conversion.map { .string($0.sourceDigest) },
            "scheme": .string(model.scheme),
            "writtenScheme": conversion.map { .string($0.scheme) },
            "model": .string(model.summary),
            "configuration": model.modelConfiguration.json,
            "remarks": .strings(model.remarks + (conversion?.remarks ?? [])),
            "report": model.report.json,
            "verifications": conversion.map { .array($0.reports.map(\.json)) },
        ])
    }
}
