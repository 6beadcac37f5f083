import ArgumentParser
import ViTToolkit

struct Initialise: ParsableCommand, Talking {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a freshly initialised model of a known variant.",
        discussion: """
            The same seed gives the same bytes on every machine.

            EXAMPLES
              vit-convert init vit_base_patch16_224 fresh.swt --seed 1
              vit-convert init vit_tiny_patch16_224 fresh.pth --num-classes 10 --image-size 384
              vit-convert init deit_tiny_distilled_patch16_224 fresh/ --to huggingface

            VARIANTS
              \(ViTVariant.all.map(\.name).joined(separator: "\n  "))
            """)

    @Argument(help: "The variant's name.", completion: .variants)
    var variant: String

    @Argument(
        help: ArgumentHelp("The file to write, or a folder with --to huggingface.", valueName: "out"),
        completion: .file())
    var output: String

    @Option(help: "The seed of all random draws.")
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("The image size in pixels.", valueName: "N|HxW"))
    var imageSize: ViTConfiguration.Size?

    @Option(
        help: ArgumentHelp("Write the names and layouts of another framework.", valueName: "scheme"),
        completion: .schemes)
    var to: String?

    @Option(
        help: ArgumentHelp(
            "What to write, whatever OUT ends in: swt, safetensors, npz, pth or h5.", valueName: "ending"))
    var format: OutputFormat?

    @OptionGroup var adaptation: AdaptationArguments

    @OptionGroup var talk: TalkArguments

    func run() throws {
        try job {
            var form = OutputForm()
            form.scheme = to
            form.format = format
            let output = try Streams.output(output, &form)
            var options = ModelOptions()
            adaptation.apply(to: &options)
            options.seed = seed
            options.imageSize = imageSize
            let result = try initialise(variant, to: output, options: options, form: form)
            Standard.remark(result.remarks)
            let results = form.stream == nil ? Standard.output : Standard.error
            results.print(
                "wrote \(ViTVariant.describe(result.configuration)): \(Text.bytes(result.byteCount))")
        }
    }
}
