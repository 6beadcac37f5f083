import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// A page as an XML parser sees it, which takes nothing that is not well-formed.
final class PageElement {
    let name: String
    let attributes: [String: String]
    private(set) var children: [PageElement] = []
    private(set) var text = ""

    fileprivate init(_ name: String, _ attributes: [String: String]) {
        self.name = name
        self.attributes = attributes
    }

    static func parse(_ page: String) throws -> PageElement {
        let reader = PageReader()
        let parser = XMLParser(data: Data(page.utf8))
        parser.delegate = reader
        guard parser.parse(), let root = reader.root else {
            throw parser.parserError ?? CocoaError(.coderReadCorrupt)
        }
        return root
    }

    /// All elements of that name, in the order of the page.
    func all(_ name: String) -> [PageElement] {
        children.flatMap { ($0.name == name ? [$0] : []) + $0.all(name) }
    }

    /// The table of that name: for each row, its cells.
    func rows(ofTable id: String) -> [[PageElement]] {
        (all("table").first { $0.attributes["id"] == id }?.all("tbody") ?? [])
            .flatMap { $0.all("tr").map(\.children) }
    }

    fileprivate func add(_ child: PageElement) { children.append(child) }
    fileprivate func add(_ text: String) { self.text += text }
}

private final class PageReader: NSObject, XMLParserDelegate {
    private(set) var root: PageElement?
    private var open: [PageElement] = []

    func parser(
        _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?,
        attributes: [String: String]
    ) {
        let element = PageElement(name, attributes)
        open.last?.add(element)
        if root == nil { root = element }
        open.append(element)
    }

    func parser(_: XMLParser, didEndElement _: String, namespaceURI _: String?, qualifiedName _: String?) {
        open.removeLast()
    }

    /// A text belongs to all around it.
    func parser(_: XMLParser, foundCharacters text: String) {
        for element in open { element.add(text) }
    }
}
