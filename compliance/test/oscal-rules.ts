/**
 * The rules of the OSCAL 1.2.1 component-definition model that our files touch, as its published JSON schema has them: what is
 * required, nothing beyond what is named, no empty lists, and the datatypes token, string, uuid, date-time with time zone
 * (pages.nist.gov/OSCAL-Reference, "datatypes").
 */
import { z } from 'zod';

const uuid = z
  .string()
  .regex(/^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$/);
const token = z.string().regex(/^(\p{L}|_)(\p{L}|\p{N}|[.\-_])*$/u);
const string = z.string().regex(/^\S(.*\S)?$/u);
const markup = z.string().min(1);
const property = z.strictObject({
  name: token,
  uuid: uuid.optional(),
  ns: z.string().regex(/^[a-zA-Z][a-zA-Z0-9+\-.]+:.+$/),
  value: string,
  remarks: markup.optional(),
});
const properties = z.array(property).min(1);

export const componentDefinition = z.strictObject({
  'component-definition': z.strictObject({
    uuid,
    metadata: z.strictObject({
      title: markup,
      'last-modified': z.iso.datetime(),
      version: string,
      'oscal-version': string,
      roles: z.array(z.strictObject({ id: token, title: markup })).min(1),
      parties: z.array(z.strictObject({ uuid, type: z.enum(['person', 'organization']), name: string })).min(1),
      'responsible-parties': z.array(z.strictObject({ 'role-id': token, 'party-uuids': z.array(uuid).min(1) })).min(1),
      remarks: markup,
    }),
    components: z
      .array(
        z.strictObject({
          uuid,
          type: string,
          title: markup,
          description: markup,
          props: properties,
          'control-implementations': z
            .array(
              z.strictObject({
                uuid,
                source: z.string().regex(/^#/),
                description: markup,
                'implemented-requirements': z
                  .array(z.strictObject({ uuid, 'control-id': token, description: markup, props: properties }))
                  .min(1),
              }),
            )
            .min(1)
            .optional(),
        }),
      )
      .min(1),
    'back-matter': z.strictObject({
      resources: z.array(z.strictObject({ uuid, title: markup, description: markup, props: properties })).min(1),
    }),
  }),
});
