import ArgumentParser
import ViTToolkit

struct Compare: ParsableCommand, Talking {
    static let configuration = CommandConfiguration(
        abstract: "Compare checkpoints with one, parameter by parameter.",
        discussion: """
            Both are mapped to canonical names and layouts first, whatever their containers and naming schemes. A \
            parameter is identical (type and bits), equal after cast (other types; the wider rounded to the narrower \
            is the narrower), resized (another shape), changed, or missing in one of the two. Nothing is resampled or \
            cast for it: of the model's options those that tell the model are heeded. Differences of the models' \
            configurations (GELU, epsilon, preprocessing) are remarks and do not count.

            The exit code is 0 when all are identical, 1 when not. --allow-cast lets other types pass, --absolute and \
            --relative let small differences pass: |a − b| ≤ absolute + relative · |b|. Of several B each is compared \
            with A by itself.

            --report writes a page that stands by itself: the verdict, a map of the change of each block's parameters, \
            and a table that can be sorted and searched.

            EXAMPLES
              vit-convert compare model.pth out.swt
              vit-convert compare vit_base.pth ViT-B_16.npz --json
              vit-convert compare out_f32.swt out_bf16.swt --allow-cast
              vit-convert compare pretrained.pth finetuned.pth --blocks
              vit-convert compare run.pth.tar run.pth.tar --select-b state_dict_ema
              vit-convert compare pretrained.pth epochs/*.pth --blocks
              vit-convert compare pretrained.pth finetuned.pth --report change.html
            """)

    @Argument(help: "A checkpoint.", completion: .file())
    var a: String

    @Argument(
        help: "The checkpoint to compare it with, or several; shell patterns in quotes are filled in.",
        completion: .file())
    var b: [String]

    @Flag(help: "A tensor that is the other's in another type counts as equal.")
    var allowCast = false

    @Option(help: "Elements that lie apart by no more than this count as equal.")
    var absolute: Double = 0

    @Option(help: "The same as a part of B's element.")
    var relative: Double = 0

    @Option(help: ArgumentHelp("Like --select, for A only.", valueName: "path"))
    var selectA: String?

    @Option(help: ArgumentHelp("Like --select, for B only.", valueName: "path"))
    var selectB: String?

    @OptionGroup var report: ReportArguments

    @OptionGroup var model: ModelArguments

    @Flag(help: "Only a line for each block, without its tensors.")
    var blocks = false

    @OptionGroup var talk: TalkArguments

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        for value in [absolute, relative] where !(value >= 0 && value.isFinite) {
            throw ValidationError("A tolerance must be a number of 0 or more.")
        }
        if json, blocks { throw ValidationError("--json has the blocks, and --blocks is for people.") }
    }

    func run() throws {
        let inputs = Inputs(b)
        try report.prove(inputs)
        var options = ComparisonOptions()
        options.a = try job { try model.options() }
        options.b = options.a
        options.a.select = selectA ?? model.select
        options.b.select = selectB ?? model.select
        options.allowsCast = allowCast
        options.absolute = absolute
        options.relative = relative
        let base = try job { try Streams.wholeCheckpoint(a) }
        try inputs.report(asJSON: json) { path in
            let other = try Streams.wholeCheckpoint(path)
            let page = try report.file(about: [base, other], reading: model.files)
            let comparison = try compare(base, other, options: options)
            try page?.write(comparison.page())
            Standard.remark(comparison.remarks)
            Standard.remark(comparison.configurationRemark.map { [$0] } ?? [])
            return Outcome(
                json: { comparison.json }, text: { comparison.text(listsTensors: !blocks) },
                code: comparison.isEqual ? 0 : 1)
        }
    }
}
